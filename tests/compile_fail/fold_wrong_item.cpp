// A window whose step takes another type than the stream carries.
// expect: sluice: the stage does not accept what the stream carries
// expect: int
// expect: Hit
#include <sluice/sluice.hpp>

struct Hit {
  int bytes;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::tumbling("sums", 10,
                       sluice::fold(0, [](int& sum, const Hit& hit) { sum += hit.bytes; })) |
      sluice::sink("out", [](const sluice::FoldedWindow<int>&) {});
}
