#include <sluice/sluice.hpp>
struct Sum { using Out = int; void process(std::string, sluice::Emitter<int>&) {} };
void f(sluice::Pipeline& p) {
  auto s = p.source("n", []() -> std::optional<int> { return {}; });
  std::move(s) | sluice::stage("sum", Sum{}) | sluice::sink("out", [](int) {});
}
