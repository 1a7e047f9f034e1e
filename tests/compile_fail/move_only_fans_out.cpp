// A named stream of items that can only be moved is used like one that can be copied.
// expect: items can only be moved
// expect: std::move\(stream\)
// expect: unique_ptr
#include <sluice/sluice.hpp>

void build(sluice::Pipeline& pipeline) {
  const auto pages =
      pipeline.source("pages", []() -> std::optional<std::unique_ptr<int>> { return {}; });
  pages | sluice::sink("out", [](std::unique_ptr<int>) {});
}
