// A sliding window, whose items lie in several windows, over items that can only be moved.
// expect: sluice: the stage does not accept what the stream carries
// expect: unique_ptr<int>
#include <sluice/sluice.hpp>

#include <memory>

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<std::unique_ptr<int>> { return {}; }) |
      sluice::sliding("window", 3, 1) |
      sluice::sink("out", [](const sluice::Window<std::unique_ptr<int>>&) {});
}
