// support/shapes.hpp: the shapes of pipelines that are explored by seed.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/scenario.hpp>

namespace sluice::testing_support {

using MakeScenario = Scenario (*)(Draw&);

struct Shape {
  const char* name;
  MakeScenario make;
};

// shapes_of_data.cpp
[[nodiscard]] Scenario chain(Draw& draw);
[[nodiscard]] Scenario fan_out(Draw& draw);
[[nodiscard]] Scenario diamond(Draw& draw);
[[nodiscard]] Scenario routed(Draw& draw);
[[nodiscard]] Scenario keyed(Draw& draw);
[[nodiscard]] Scenario reduced(Draw& draw);
[[nodiscard]] Scenario batched(Draw& draw);

// shapes_of_ends.cpp
[[nodiscard]] Scenario enough(Draw& draw);
[[nodiscard]] Scenario one_branch_enough(Draw& draw);
[[nodiscard]] Scenario skipping(Draw& draw);
[[nodiscard]] Scenario retrying(Draw& draw);
[[nodiscard]] Scenario burying(Draw& draw);
[[nodiscard]] Scenario failing(Draw& draw);
[[nodiscard]] Scenario stopping_itself(Draw& draw);
[[nodiscard]] Scenario cancelling_itself(Draw& draw);

// shapes_of_order.cpp
[[nodiscard]] Scenario ordered(Draw& draw);
[[nodiscard]] Scenario ordered_branches(Draw& draw);
[[nodiscard]] Scenario ordered_enough(Draw& draw);
[[nodiscard]] Scenario ordered_last(Draw& draw);
[[nodiscard]] Scenario ordered_finish(Draw& draw);
[[nodiscard]] Scenario ordered_failure(Draw& draw);

// shapes_of_loops.cpp
[[nodiscard]] Scenario looped(Draw& draw);
[[nodiscard]] Scenario looped_twice(Draw& draw);

inline constexpr Shape kShapes[] = {
    {"loop", looped},
    {"two loops", looped_twice},
    {"order", ordered},
    {"order in branches", ordered_branches},
    {"order with enough", ordered_enough},
    {"order with a last item", ordered_last},
    {"order with finish", ordered_finish},
    {"order with failure", ordered_failure},
    {"chain", chain},
    {"fan-out", fan_out},
    {"diamond", diamond},
    {"route", routed},
    {"key_by", keyed},
    {"reduce", reduced},
    {"batch", batched},
    {"enough", enough},
    {"enough in one branch", one_branch_enough},
    {"skip", skipping},
    {"retry", retrying},
    {"dead letters", burying},
    {"failure", failing},
    {"stop from inside", stopping_itself},
    {"cancel from inside", cancelling_itself},
};

}  // namespace sluice::testing_support
