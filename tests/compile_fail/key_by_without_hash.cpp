// A key that std::hash does not know.
// expect: sluice: key_by: the key has no std::hash
// expect: Place
#include <sluice/sluice.hpp>

struct Place {
  int x;
  int y;
};

void build(sluice::Pipeline& pipeline) {
  pipeline.source("numbers", []() -> std::optional<int> { return {}; }) |
      sluice::key_by([](int number) {
        return Place{number, number};
      }) |
      sluice::reduce("sum", 0, [](int& sum, int number) { sum += number; }) |
      sluice::sink("out", [](const std::pair<Place, int>&) {});
}
