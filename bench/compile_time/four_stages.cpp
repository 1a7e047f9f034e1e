// bench/compile_time/four_stages.cpp: the subject of compile_time.sh: a small but whole program.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace {

struct Reading {
  std::string sensor;
  double value = 0;
};

}  // namespace

int main() {
  double total = 0;
  sluice::Pipeline pipeline("four_stages");
  pipeline.source("read",
                  [i = 0]() mutable -> std::optional<std::string> {
                    if (i == 100) return std::nullopt;
                    return "sensor" + std::to_string(i++);
                  }) |
      sluice::map("parse",
                  [](std::string line) {
                    const double value = static_cast<double>(line.size());
                    return Reading{std::move(line), value};
                  },
                  {.workers = 2}) |
      sluice::filter("positive", [](const Reading& reading) { return reading.value > 0; }) |
      sluice::sink("sum", [&total](const Reading& reading) { total += reading.value; });
  sluice::run(pipeline);
  return total > 0 ? 0 : 1;
}
