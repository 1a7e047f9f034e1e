// sluice/stages/write_lines.hpp: sinks that write lines to a file or to standard output.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/stage.hpp>
#include <sluice/stages/numbered_line.hpp>
#include <sluice/stages/ordered_lines.hpp>
#include <sluice/stages/text_writer.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice {
namespace stages {

/// What write_lines() makes; given to sink().
struct WriteLines {
  std::string path;
  WriteOptions options{};
};

/// What write_in_order() makes; given to sink().
struct WriteInOrder {
  std::string path;
  WriteOptions options{};
  std::size_t early_lines = 0;
};

/// Writes each item as a line, in the order of arrival. "-" is standard output. Items are anything
/// that converts to std::string_view. The file is made when the run starts.
///
///     words | sluice::sink("write", stages::write_lines("words.txt"));
///
/// One worker, on a thread of its own, since it blocks while the file or pipe takes its time.
/// Written in pieces of `buffer_bytes`, and whenever nothing came for 20 ms.
/// Failure  can't open, disk full: std::system_error with path and number; standard output is a
///          pipe that nobody reads any more: ClosedOutput. The run fails by the sink's policy.
[[nodiscard]] inline WriteLines write_lines(std::string path, WriteOptions options = {}) {
  return {std::move(path), std::move(options)};
}

/// The same for NumberedLine, in the order of the numbers 0, 1, 2, ...: what comes too early waits.
/// A number that never comes holds back all later ones until the input ends; they are then written
/// in order. More than `early_lines` waiting ones fail the run, so that memory stays bounded.
[[nodiscard]] inline WriteInOrder write_in_order(std::string path, WriteOptions options = {},
                                                 std::size_t early_lines = 1'000'000) {
  return {std::move(path), std::move(options), early_lines};
}

/// The worker of both sinks.
template <class In>
class WriteBody {
 public:
  static constexpr bool kNumbered = std::same_as<In, NumberedLine>;
  static constexpr bool kReadsOnly = !kNumbered;  // an early line is moved away

  explicit WriteBody(const WriteLines& what)
      : writer_(std::make_unique<TextWriter>(what.path, what.options)) {}
  explicit WriteBody(const WriteInOrder& what)
      : writer_(std::make_unique<TextWriter>(what.path, what.options)), order_(what.early_lines) {}

  void start(Context& context) { writer_->open(context); }
  void process(In&& item, Emitter<NoOutput>&, Context&) {
    if constexpr (kNumbered) {
      order_.add(std::move(item), *writer_);
    } else {
      writer_->line(item);
    }
  }
  void finish(Emitter<NoOutput>&) {
    order_.write_rest(*writer_);
    writer_->finish();
  }
  [[nodiscard]] Deadline due() const noexcept { return writer_->due(); }
  void on_time(Emitter<NoOutput>&, Context&) { writer_->flush(); }

 private:
  std::unique_ptr<TextWriter> writer_;
  OrderedLines order_{0};
};

template <class What>
struct WriteDecl {
  static constexpr bool kNumbered = std::same_as<What, WriteInOrder>;

  using Wanted = std::conditional_t<kNumbered, NumberedLine, std::string>;
  template <class In>
  static constexpr bool kAccepts =
      kNumbered ? std::same_as<In, NumberedLine> : std::convertible_to<const In&, std::string_view>;
  template <class>
  using Out = NoOutput;

  template <class In>
  [[nodiscard]] auto maker() && {
    return sluice::detail::make_maker<In, NoOutput>(
        [what = std::move(what)](std::size_t) { return [&what] { return WriteBody<In>(what); }; });
  }

  sluice::detail::Declared base;
  What what;
};

template <class What>
[[nodiscard]] WriteDecl<What> declare_writer(std::string name, What what,
                                             const SinkOptions& options) {
  sluice::detail::Declared base{.name = std::move(name),
                                .kind = "sink",
                                .options = sluice::detail::stage_options(options),
                                .many = false,
                                .many_reason = "several workers would write over each other",
                                .has_output = false};
  base.options.blocking = true;
  return {std::move(base), std::move(what)};
}

}  // namespace stages

/// The end of a branch, writing lines: see stages::write_lines().
[[nodiscard]] inline auto sink(std::string name, stages::WriteLines what,
                               const SinkOptions& options = {}) {
  return stages::declare_writer(std::move(name), std::move(what), options);
}
/// The end of a branch, writing numbered lines: see stages::write_in_order().
[[nodiscard]] inline auto sink(std::string name, stages::WriteInOrder what,
                               const SinkOptions& options = {}) {
  return stages::declare_writer(std::move(name), std::move(what), options);
}

}  // namespace sluice
