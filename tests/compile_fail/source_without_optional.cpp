// A source function that can't say when it ends.
// expect: a source function returns std::optional
#include <sluice/sluice.hpp>

void build(sluice::Pipeline& pipeline) {
  const auto numbers = pipeline.source("numbers", [] { return 1; });
}
