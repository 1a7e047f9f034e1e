// pipelines/endpoints_errors_test.cpp: what the move of an item throws in application code.
// SPDX-License-Identifier: MIT
#include <support/numbers.hpp>
#include <support/throwing_move.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;

TEST_CASE("Outlet: a get whose move throws removes nothing", "[pipeline][errors]") {
  for (int k = 0; k < 6; ++k) {
    INFO("move " << k);
    Pipeline p("outlet");
    const auto read = [next = Number{0}]() mutable -> std::optional<ThrowingMove> {
      if (next == 3) return std::nullopt;
      return ThrowingMove{next++};
    };
    p.source("read", read) | outlet<ThrowingMove>("out", {.capacity = 8});
    WatchedRun run(p);
    auto out = run->outlet<ThrowingMove>("out");
    wait_until([&] { return run->snapshot().edges[0].queued == 3; });
    std::vector<Number> got;
    ThrowingMove::throw_after(k);
    for (bool more = true; more;) {
      try {
        if (auto item = out.get()) {
          got.push_back(item->value());
        } else {
          more = false;
        }
      } catch (const std::runtime_error&) {
      }
    }
    ThrowingMove::never_throw();
    CHECK(got == up_to(3));
    CHECK(run.end().ledger.balanced);
  }
}

}  // namespace
}  // namespace sluice
