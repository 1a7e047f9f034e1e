#include <sluice/sluice.hpp>
void f(sluice::Pipeline& p) {
  auto s = p.source("n", []() -> std::optional<std::unique_ptr<int>> { return {}; });
  s | sluice::sink("out", [](std::unique_ptr<int>) {});
}
