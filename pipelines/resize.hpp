// pipelines/resize.hpp: makes images smaller, row by row.
//
// A tent filter whose base is two output pixels wide: each output pixel is the weighted mean of all
// input pixels that its tent covers (D. Schumacher, "General filtered image rescaling", in Graphics
// Gems III, 1992).
// (1) Rows are weighed first, columns after that: then the long loops run over whole input rows, in
//     blocks of kLanes floats, which compilers turn into vector code, and few rows are left for the
//     short loops.
// (2) Two output rows are open at a time, so memory is a few rows, whatever the height.
// (3) Colours are weighed by their alpha, so that what is transparent does not stain its
//     neighbours.
// (4) The values are taken as they are stored, in the file's gamma, as most programs do.
// (5) An image that keeps its size keeps every byte, but for colours of transparent pixels.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::samples {

/// The dimensions of an image whose longest side is to have `longest` pixels; it is never made
/// larger, and no side becomes 0.
[[nodiscard]] Dimensions fitted(Dimensions from, std::uint32_t longest) noexcept;

/// What each output pixel of one axis takes from which input pixels.
class TentFilter {
 public:
  struct Taps {
    std::size_t first = 0;    // input pixel
    std::size_t count = 0;    // at least 1
    std::size_t weights = 0;  // where they begin in weights()
  };

  /// 0 < to <= from.
  TentFilter(std::uint32_t from, std::uint32_t to);

  [[nodiscard]] const Taps& operator[](std::size_t output) const noexcept { return taps_[output]; }
  [[nodiscard]] const float* weights(const Taps& taps) const noexcept {
    return weights_.data() + taps.weights;
  }

 private:
  std::vector<Taps> taps_{};
  std::vector<float> weights_{};
};

/// Threads  one at a time.
class RowResizer {
 public:
  /// Neither side of `to` is 0 or larger than that of `from`; channels as in Image.
  /// Throws  std::bad_alloc.
  RowResizer(Dimensions from, Dimensions to, std::uint32_t channels);

  /// Where the next row is to be written: from.width * channels bytes.
  [[nodiscard]] std::uint8_t* row() noexcept { return bytes_.data(); }
  /// Takes what was written there; as many times as `from` has rows.
  void add_row();
  /// The result, once all rows were added.
  [[nodiscard]] Image take();

 private:
  static constexpr std::size_t kLanes = 16;
  struct OpenRow {
    std::size_t output = 0;
    std::vector<float> sums{};
  };

  void load_row() noexcept;
  void open_rows();
  void close_row(const std::vector<float>& sums);

  Dimensions from_;
  TentFilter rows_;
  TentFilter columns_;
  Image made_{};
  std::size_t lanes_ = 0;  // floats of a row, a multiple of kLanes
  std::vector<std::uint8_t> bytes_{};
  std::vector<float> values_{};
  std::vector<OpenRow> open_{};  // the first one is closed next
  std::vector<std::vector<float>> free_{};
  std::size_t next_input_ = 0;
  std::size_t next_output_ = 0;  // to be opened
};

}  // namespace sluice::samples
