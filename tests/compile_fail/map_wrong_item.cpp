// A map whose function takes another type than the stream carries.
// expect: sluice: the stage does not accept what the stream carries
// expect: int
// expect: Hit
#include <sluice/sluice.hpp>

struct Hit {
  int bytes;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::map("parse", [](const Hit& hit) { return hit.bytes; }) |
      sluice::sink("out", [](int) {});
}
