// A stage with a state per key whose function takes another type than the stream carries.
// expect: sluice: the stage does not accept what the stream carries
// expect: int
#include <sluice/sluice.hpp>

struct Hit {
  int bytes;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::key_by([](int number) { return number % 7; }) |
      sluice::per_key<int>(
          "sum", 0,
          [](int& sum, const Hit& hit, sluice::Emitter<int>& out) { out.emit(sum += hit.bytes); }) |
      sluice::sink("out", [](int) {});
}
