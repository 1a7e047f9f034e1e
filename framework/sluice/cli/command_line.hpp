// sluice/cli/command_line.hpp: from the words of a command to its options and its pipeline.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/args.hpp>
#include <sluice/cli/arg_table.hpp>
#include <sluice/main.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sluice::detail {

/// The program as a whole.
struct Program {
  ProgramInfo info;
  std::vector<PipelineEntry> pipelines;

  [[nodiscard]] bool needs_name() const { return pipelines.size() > 1 || info.name_required; }
};

/// An option of a command itself, such as --report.
struct CommandOption {
  ArgSpec spec;
  std::string value_name;  ///< in --help; empty for flags
};

/// What a command is and takes.
struct CommandSyntax {
  std::string name;     ///< run
  std::string summary;  ///< for --help
  std::vector<CommandOption> options;
};

/// Words that were sorted by what they belong to.
struct SortedWords {
  bool help = false;
  std::string help_text;
  GivenWords options;  ///< of the command
  GivenWords args;     ///< of the pipeline
  std::vector<std::string> unknown;
};

/// `entry` may be null: a command without a pipeline. `usage` is the beginning of the usage line.
/// Throws UsageError when an option lacks its value.
[[nodiscard]] SortedWords sort_words(const std::string& usage, const CommandSyntax& syntax,
                                     const PipelineEntry* entry, const std::vector<ArgSpec>& args,
                                     const std::vector<std::string>& words);

/// A command line that is understood, for one pipeline.
struct PipelineCommand {
  const PipelineEntry* entry = nullptr;
  bool help = false;
  std::string help_text;
  GivenWords options;
  std::shared_ptr<ArgTable> args;

  [[nodiscard]] bool has(const std::string& option) const { return options.count(option) > 0; }
  /// The last word given for the option, or `fallback`.
  [[nodiscard]] std::string value(const std::string& option, std::string fallback = {}) const;
};

/// `words` are those after the command. Finds the pipeline, its arguments and the options.
/// Throws UsageError for unknown names, missing or wrong values.
[[nodiscard]] PipelineCommand understand(const Program& program, const CommandSyntax& syntax,
                                         std::vector<std::string> words, ArgTable::Gaps gaps);

/// The same without a pipeline; `words` may hold options only.
[[nodiscard]] SortedWords understand(const Program& program, const CommandSyntax& syntax,
                                     const std::vector<std::string>& words);

/// A pipeline's arguments from its words, complete and valid. `usage` as in sort_words().
struct KnownArgs {
  SortedWords words;
  std::shared_ptr<ArgTable> table;
};
[[nodiscard]] KnownArgs know_args(const std::string& usage, const CommandSyntax& syntax,
                                  const PipelineEntry& entry, const std::vector<std::string>& words,
                                  ArgTable::Gaps gaps);

}  // namespace sluice::detail
