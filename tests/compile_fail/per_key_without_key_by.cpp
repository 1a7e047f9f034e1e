// A stage with a state per key on a stream that has no key.
// expect: sluice: per_key needs key_by before it
#include <sluice/sluice.hpp>

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> {
    return {};
  }) | sluice::per_key<int>("sum", 0, [](int& sum, int number, sluice::Emitter<int>& out) {
    out.emit(sum += number);
  }) | sluice::sink("out", [](int) {});
}
