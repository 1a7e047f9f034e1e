// A map whose function returns nothing.
// expect: map needs a result
#include <sluice/sluice.hpp>

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::map("drop", [](int) {});
}
