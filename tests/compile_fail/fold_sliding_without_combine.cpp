// A sliding window whose states can't be merged.
// expect: sluice: a sliding window that folds needs a combine
#include <sluice/sluice.hpp>

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::sliding("sums", 10, 2, sluice::fold(0, [](int& sum, int number) { sum += number; })) |
      sluice::sink("out", [](const sluice::FoldedWindow<int>&) {});
}
