// A stage class whose process() takes another type than the stream carries.
// expect: sluice: the stage does not accept what the stream carries
// expect: int
// expect: basic_string
#include <sluice/sluice.hpp>

struct Upper {
  using Out = std::string;
  void process(std::string text, sluice::Emitter<Out>& out) { out.emit(std::move(text)); }
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::stage("upper", Upper{}) | sluice::sink("out", [](const std::string&) {});
}
