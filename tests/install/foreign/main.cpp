// foreign/main.cpp: a program of somebody else: adds up squares, with the whole command line.
// run: run --last 100
// prints: 338350
#include <sluice/sluice.hpp>
#include <sluice/stages/range.hpp>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
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
