// sluice/flow/selector.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/selector.hpp>

namespace sluice::detail {
namespace {

class SelectorChain final : public Selector {
 public:
  SelectorChain(std::shared_ptr<const Selector> first, std::shared_ptr<const Selector> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  [[nodiscard]] std::ptrdiff_t lane(const void* item, std::size_t lanes,
                                    RouteChoices& choices) const override {
    const std::ptrdiff_t lane = first_->lane(item, lanes, choices);
    return lane == kElsewhere ? kElsewhere : second_->lane(item, lanes, choices);
  }

 private:
  std::shared_ptr<const Selector> first_;
  std::shared_ptr<const Selector> second_;
};

}  // namespace

std::shared_ptr<const Selector> in_a_row(std::shared_ptr<const Selector> first,
                                         std::shared_ptr<const Selector> second) {
  if (first == nullptr) return second;
  if (second == nullptr) return first;
  return std::make_shared<SelectorChain>(std::move(first), std::move(second));
}

}  // namespace sluice::detail
