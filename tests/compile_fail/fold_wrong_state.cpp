// A fold that begins with an int and whose step takes a double.
// expect: sluice: fold: the step takes another state than the initial one
#include <sluice/sluice.hpp>

auto mistaken() {
  return sluice::fold(0, [](double& sum, int number) { sum += number; });
}
