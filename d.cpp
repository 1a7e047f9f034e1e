#include <sluice/sluice.hpp>
void f(sluice::Pipeline& p) {
  auto s = p.source("n", []() -> std::optional<int> { return {}; });
  s | sluice::key_by([](int x) { return x; }) | sluice::reduce("sum", 0, [](int& t, std::string h) { t += h.size(); }) | sluice::sink("o", [](auto&&){});
}
