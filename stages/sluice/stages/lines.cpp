// sluice/stages/lines.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/lines.hpp>

#include <sluice/stages/inputs.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace sluice::stages {

/// Splits the blocks of the inputs into lines.
class LineReader {
 public:
  LineReader(const std::vector<std::string>& paths, std::size_t block_bytes, Context& context)
      : inputs_(paths, block_bytes, ByteSet("\n"), context) {}

  /// Returns  whether a line is at hand without reading.
  [[nodiscard]] bool at_hand() const noexcept { return !rest_.empty(); }

  /// The next line; it is valid until the next call. False at the end or after a stop.
  [[nodiscard]] bool next(std::string_view& line) {
    if (rest_.empty()) {
      block_ = Block();  // its memory may be used for the next one
      if (!inputs_.next(block_)) return false;
      rest_ = block_.text();
    }
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
  }
  /// Of the last line, from 0.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_ - 1; }

 private:
  Inputs inputs_;
  Block block_;
  std::string_view rest_;
  std::uint64_t number_ = 0;
};

template <class Line>
LineSource<Line>::LineSource(std::vector<std::string> paths, const LineOptions& options)
    : paths_(std::move(paths)), options_(options) {}
template <class Line>
LineSource<Line>::LineSource(LineSource&&) noexcept = default;
template <class Line>
LineSource<Line>::~LineSource() = default;

template <class Line>
void LineSource<Line>::start(Context& context) {
  reader_ = std::make_unique<LineReader>(paths_, options_.read_bytes, context);
}

// Emits what is at hand, up to so many lines and bytes: enough to share the costs of a call, too
// little to matter as backlog. Never reads while a line waits to be published.
template <class Line>
bool LineSource<Line>::next(Emitter<Line>& out) {
  constexpr std::size_t kLines = 64;
  constexpr std::size_t kBytes = std::size_t{64} * 1024;
  std::size_t bytes = 0;
  std::string_view line;
  for (std::size_t i = 0; i < kLines && bytes < kBytes; ++i) {
    if (i > 0 && !reader_->at_hand()) break;
    if (!reader_->next(line)) return false;
    bytes += line.size();
    if constexpr (std::same_as<Line, NumberedLine>) {
      out.emit({reader_->number(), std::string(line)});
    } else {
      out.emit(std::string(line));
    }
  }
  return true;
}

template class LineSource<std::string>;
template class LineSource<NumberedLine>;

}  // namespace sluice::stages
