// foreign/main.cpp: a program of somebody else: adds up squares, with the whole command line.
// run: run --last 100
// prints: 338350
#include <sluice/sluice.hpp>
#include <sluice/stages/range.hpp>
#include <sluice/testing.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace {

/// What somebody else's unit test may look like.
bool lingering_works() {
  using namespace std::chrono_literals;
  sluice::testing::StageHarness<int, std::vector<int>> pack(sluice::batch("pack", 3, 1h));
  pack.put(1);
  pack.advance(1h);
  pack.finish();
  return pack.outputs() == std::vector<std::vector<int>>{{1}};
}

}  // namespace

int main(int argc, char** argv) {
  if (!lingering_works()) return 1;
  return sluice::main(argc, argv, [](sluice::Pipeline& p, const sluice::Args& args) {
    p.source("count", sluice::stages::range<std::uint64_t>(1, args.number("last") + 1)) |
        sluice::map("square", [](std::uint64_t n) { return n * n; }) |
        sluice::reduce("sum", std::uint64_t{0},
                       [](std::uint64_t& total, std::uint64_t n) { total += n; }) |
        sluice::sink("print", [](std::uint64_t total) {
          std::printf("%llu\n", static_cast<unsigned long long>(total));
        });
  });
}
