// pipelines/fan_out_full_test.cpp: several branches that are full at the same time.
// SPDX-License-Identifier: MIT
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

namespace sluice {
namespace {

using namespace testing_support;

TEST_CASE("Fan-out: a branch with room gets a committed output while another branch is full",
          "[pipeline]") {
  const Carrier carrier = GENERATE(Carrier::thread, Carrier::pool);
  INFO("on carrier " << static_cast<int>(carrier));
  Gate gates[2];
  Pipeline p("two full");
  auto stream = p.source("read", numbers(3), {.carrier = Carrier::thread}) |
                map("split", [](Number n) { return n; }, {.carrier = carrier});
  for (int i = 0; i < 2; ++i) {
    stream | sink(i == 0 ? "free" : "full", [&gates, i](Number) { gates[i].pass(); },
                  {.carrier = Carrier::thread, .capacity = 1, .batch = 1});
  }
  WatchedRun run(p);
  const OpensAtEnd a(gates[0]);
  const OpensAtEnd b(gates[1]);
  // Both sinks hold item 0, both edges hold item 1, split holds item 2 and is blocked.
  wait_until([&] {
    return run->explain().find("split.0: blocked") != std::string::npos &&
           run->snapshot().edges[1].put == 2 && run->snapshot().edges[2].put == 2;
  });
  gates[0].open();
  wait_until([&] { return run->snapshot().stage("free").completed == 3; });
  gates[1].open();
  CHECK(run->wait().stage("full").completed == 3);
}

}  // namespace
}  // namespace sluice
