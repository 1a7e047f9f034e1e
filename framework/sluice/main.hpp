// sluice/main.hpp: the whole command line for any program that defines pipelines.
//
//     int main(int argc, char** argv) {
//       return sluice::main(argc, argv, [](sluice::Pipeline& p, const sluice::Args& args) {
//         p.source("read", sluice::stages::lines(args.path("input"))) | ...;
//       });
//     }
//
// Commands: list, describe, graph, run; --help everywhere. Results go to standard output, everything
// else to standard error.
//
// Exit codes, the first that applies: 2 nothing was started, the command line or the pipeline is
// wrong; 141 standard output was closed; 1 the run failed; 4 the time to drain was over; 130
// interrupted by a signal; 3 done with dead letters; 0 done.
//
// Signals: `run` blocks SIGINT, SIGTERM and SIGUSR1 and ignores SIGPIPE until it returns. The first
// SIGINT or SIGTERM stops the sources and drains, the second drops what is inside, the third ends
// the process at once; SIGUSR1 prints who waits for what. Nothing else in the library touches
// signals.
//
// A stage that is still stuck in user code when the time to drain (--grace) is over can't be ended
// in a thread: the report is written, then the process ends by std::_Exit(4).
// Layer: run. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/args.hpp>
#include <sluice/base/unique_function.hpp>
#include <sluice/pipeline.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

/// What describes a pipeline for given arguments: void(Pipeline&, const Args&), without effects, so
/// that it may be replayed. Copies share the callable.
class PipelineBuilder {
 public:
  PipelineBuilder() noexcept = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, PipelineBuilder> &&
             std::invocable<const std::decay_t<F>&, Pipeline&, const Args&>)
  PipelineBuilder(F&& build) : build_(std::make_shared<const Function>(std::forward<F>(build))) {}

  [[nodiscard]] explicit operator bool() const noexcept { return build_ != nullptr; }
  void operator()(Pipeline& pipeline, const Args& args) const { (*build_)(pipeline, args); }

 private:
  using Function = UniqueFunction<void(Pipeline&, const Args&) const>;
  std::shared_ptr<const Function> build_;
};

/// A pipeline that the command line knows.
struct PipelineEntry {
  std::string name;
  std::string summary{};        ///< one line for `list`
  std::vector<ArgSpec> args{};  ///< empty: found by asking the builder
  PipelineBuilder build{};
  std::string details{};  ///< more text for --help: examples, formats
};

/// What --help and --version say of the program.
struct ProgramInfo {
  std::string name{};  ///< default: the last part of argv[0]
  std::string summary{};
  std::string version{};  ///< default: that of the library
  /// The pipeline's name is always given, also while there is only one: for a collection that grows.
  bool name_required = false;
};

/// The command line over one pipeline, named after the program. Returns the exit code.
[[nodiscard]] int main(int argc, char** argv, PipelineBuilder build, ProgramInfo program = {});

/// The command line over several pipelines; `run NAME ...` chooses. With one, NAME may be left out
/// (unless name_required).
[[nodiscard]] int main(int argc, char** argv, std::vector<PipelineEntry> pipelines,
                       ProgramInfo program = {});

/// The arguments of a pipeline from words as they are typed after `run NAME`; for tests and for
/// programs with a command line of their own.
/// Throws  UsageError, one line, when they are wrong.
[[nodiscard]] Args parse_args(const PipelineEntry& pipeline, const std::vector<std::string>& words);

/// Builds the pipeline for these arguments.
/// Throws  what the builder throws.
[[nodiscard]] Pipeline build(const PipelineEntry& pipeline, const Args& args);

}  // namespace sluice
