// sluice/stages/lines.hpp: sources of the lines of files.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/stages/numbered_line.hpp>
#include <sluice/stages/paths.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::stages {

class LineReader;

struct LineOptions {
  std::size_t read_bytes = std::size_t{256} * 1024;  ///< read at once; a longer line is fine
};

/// What lines() and numbered_lines() make for a worker; Line is std::string or NumberedLine.
template <class Line>
class LineSource {
 public:
  using Out = Line;

  LineSource(std::vector<std::string> paths, const LineOptions& options);
  LineSource(LineSource&&) noexcept;
  LineSource& operator=(LineSource&&) = delete;
  ~LineSource();

  void start(Context& context);
  bool next(Emitter<Line>& out);

 private:
  std::vector<std::string> paths_;
  LineOptions options_;
  std::unique_ptr<LineReader> reader_;
};

extern template class LineSource<std::string>;
extern template class LineSource<NumberedLine>;

/// The lines of the inputs in order, without their line feeds; a carriage return stays. A last line
/// without a line feed counts. Lines never span inputs.
///
/// Blocks   while a pipe or terminal has nothing to read; a stop ends that wait. Say `.blocking`.
/// Failure  an input that can't be opened or read, a directory too: dead letter, the rest goes on.
[[nodiscard]] inline auto lines(Paths paths, const LineOptions& options = {}) {
  return factory(
      [paths = std::move(paths.list), options] { return LineSource<std::string>(paths, options); });
}

/// The same with a number each, 0, 1, 2, ... over all inputs; write_in_order() puts them back in
/// order after stages with several workers.
[[nodiscard]] inline auto numbered_lines(Paths paths, const LineOptions& options = {}) {
  return factory([paths = std::move(paths.list), options] {
    return LineSource<NumberedLine>(paths, options);
  });
}

}  // namespace sluice::stages
