// pipelines/resize.cpp
// SPDX-License-Identifier: MIT
#include <resize.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::samples {
namespace {

constexpr std::size_t kBlock = 16;

// The inner loops have a constant number of rounds: so they become vector code at -O2, too.
void to_floats(const std::uint8_t* __restrict from, float* __restrict to,
               std::size_t size) noexcept {
  for (std::size_t at = 0; at < size; at += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) to[at + i] = static_cast<float>(from[at + i]);
  }
}

void add_weighed(const float* __restrict from, float weight, float* __restrict sums,
                 std::size_t size) noexcept {
  for (std::size_t at = 0; at < size; at += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) sums[at + i] += weight * from[at + i];
  }
}

void premultiply(float* values, std::size_t pixels) noexcept {
  for (std::size_t i = 0; i < pixels; ++i, values += 4) {
    const float alpha = values[3] / 255.0F;
    for (std::size_t channel = 0; channel < 3; ++channel) values[channel] *= alpha;
  }
}

[[nodiscard]] std::uint8_t rounded(float value) noexcept {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

template <std::size_t Channels>
void weigh_columns(const float* row, const TentFilter& columns, std::size_t width,
                   std::uint8_t* out) noexcept {
  for (std::size_t x = 0; x < width; ++x, out += Channels) {
    const TentFilter::Taps& taps = columns[x];
    const float* const weights = columns.weights(taps);
    const float* from = row + taps.first * Channels;
    float sums[Channels] = {};
    for (std::size_t tap = 0; tap < taps.count; ++tap, from += Channels) {
      for (std::size_t channel = 0; channel < Channels; ++channel) {
        sums[channel] += weights[tap] * from[channel];
      }
    }
    if constexpr (Channels == 4) {
      const float by = sums[3] > 0.0F ? 255.0F / sums[3] : 0.0F;
      for (std::size_t channel = 0; channel < 3; ++channel) sums[channel] *= by;
    }
    for (std::size_t channel = 0; channel < Channels; ++channel) {
      out[channel] = rounded(sums[channel]);
    }
  }
}

}  // namespace

Dimensions fitted(Dimensions from, std::uint32_t longest) noexcept {
  const std::uint32_t side = std::max(from.width, from.height);
  if (side <= longest) return from;
  const auto fit = [&](std::uint32_t length) {
    const std::uint64_t rounded = (std::uint64_t{length} * longest + side / 2) / side;
    return std::max<std::uint32_t>(static_cast<std::uint32_t>(rounded), 1);
  };
  return {.width = fit(from.width), .height = fit(from.height)};
}

TentFilter::TentFilter(std::uint32_t from, std::uint32_t to) {
  const double ratio = static_cast<double>(from) / to;
  taps_.reserve(to);
  weights_.reserve(2 * (std::size_t{from} + to));
  std::vector<double> weights;
  for (std::uint32_t output = 0; output < to; ++output) {
    const double centre = (output + 0.5) * ratio;
    const auto begin = static_cast<std::size_t>(std::max(0.0, std::floor(centre - ratio)));
    const auto end = std::min<std::size_t>(from, static_cast<std::size_t>(centre + ratio) + 1);
    weights.clear();
    std::size_t first = begin;
    double sum = 0;
    for (std::size_t input = begin; input < end; ++input) {
      const double distance = std::abs(static_cast<double>(input) + 0.5 - centre) / ratio;
      const double weight = 1.0 - distance;
      if (weight <= 1e-9) {  // outside the tent, at either end
        if (weights.empty()) first = input + 1;
        continue;
      }
      weights.push_back(weight);
      sum += weight;
    }
    taps_.push_back({.first = first, .count = weights.size(), .weights = weights_.size()});
    for (const double weight : weights) weights_.push_back(static_cast<float>(weight / sum));
  }
}

RowResizer::RowResizer(Dimensions from, Dimensions to, std::uint32_t channels)
    : from_(from), rows_(from.height, to.height), columns_(from.width, to.width) {
  static_assert(kLanes == kBlock);
  made_ = {.size = to, .channels = channels, .pixels = {}};
  made_.pixels.reserve(std::size_t{to.width} * to.height * channels);
  lanes_ = (std::size_t{from.width} * channels + kLanes - 1) / kLanes * kLanes;
  bytes_.resize(lanes_);
  values_.resize(lanes_);
}

void RowResizer::add_row() {
  load_row();
  open_rows();
  for (OpenRow& row : open_) {
    const TentFilter::Taps& taps = rows_[row.output];
    const float weight = rows_.weights(taps)[next_input_ - taps.first];
    add_weighed(values_.data(), weight, row.sums.data(), lanes_);
  }
  ++next_input_;
  while (!open_.empty()) {
    const TentFilter::Taps& taps = rows_[open_.front().output];
    if (taps.first + taps.count > next_input_) return;
    close_row(open_.front().sums);
    free_.push_back(std::move(open_.front().sums));
    open_.erase(open_.begin());
  }
}

void RowResizer::load_row() noexcept {
  to_floats(bytes_.data(), values_.data(), lanes_);
  if (made_.channels == 4) premultiply(values_.data(), from_.width);
}

void RowResizer::open_rows() {
  for (; next_output_ < made_.size.height && rows_[next_output_].first <= next_input_;
       ++next_output_) {
    OpenRow row{.output = next_output_, .sums = {}};
    if (!free_.empty()) {
      row.sums = std::move(free_.back());
      free_.pop_back();
    }
    row.sums.assign(lanes_, 0.0F);
    open_.push_back(std::move(row));
  }
}

void RowResizer::close_row(const std::vector<float>& sums) {
  const std::size_t width = made_.size.width;
  const std::size_t at = made_.pixels.size();
  made_.pixels.resize(at + width * made_.channels);
  std::uint8_t* const out = made_.pixels.data() + at;
  switch (made_.channels) {
    case 1:
      return weigh_columns<1>(sums.data(), columns_, width, out);
    case 3:
      return weigh_columns<3>(sums.data(), columns_, width, out);
    default:
      return weigh_columns<4>(sums.data(), columns_, width, out);
  }
}

Image RowResizer::take() { return std::move(made_); }

}  // namespace sluice::samples
