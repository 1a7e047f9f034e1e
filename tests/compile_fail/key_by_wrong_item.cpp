// A key function that takes another type than the stream carries.
// expect: sluice: key_by: the function does not take what the stream carries
// expect: int
#include <sluice/sluice.hpp>

struct Hit {
  int bytes;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::key_by([](const Hit& hit) { return hit.bytes; }) |
      sluice::per_key<int>("sum", 0,
                           [](int& sum, int n, sluice::Emitter<int>& out) { out.emit(sum += n); }) |
      sluice::sink("out", [](int) {});
}
