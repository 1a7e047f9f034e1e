// A keyed reduce whose fold takes another type than the stream carries.
// expect: sluice: the stage does not accept what the stream carries
// expect: int
// expect: Hit
#include <sluice/sluice.hpp>

struct Hit {
  int bytes;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::key_by([](int number) { return number % 7; }) |
      sluice::reduce("sum", 0, [](int& sum, const Hit& hit) { sum += hit.bytes; }) |
      sluice::sink("out", [](const std::pair<int, int>&) {});
}
