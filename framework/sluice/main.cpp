// sluice/main.cpp: chooses the command and turns what it throws into one line and an exit code.
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>

#include <sluice/base/config.hpp>
#include <sluice/base/text_table.hpp>
#include <sluice/cli/command_line.hpp>
#include <sluice/cli/console.hpp>
#include <sluice/cli/exit_code.hpp>
#include <sluice/cli/inspect_commands.hpp>
#include <sluice/cli/run_command.hpp>
#include <sluice/cli/spawned_command.hpp>
#include <sluice/cli/suggest.hpp>
#include <sluice/error.hpp>
#include <sluice/os/signals.hpp>
#include <sluice/process/entry_guard.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <set>

namespace sluice {
namespace {

using detail::ExitCode;
using detail::Program;

using Words = std::vector<std::string>;

struct Command {
  detail::CommandSyntax (*syntax)();
  ExitCode (*run)(const Program&, Words);
};

template <void (*Inspect)(const Program&, Words)>
ExitCode inspect(const Program& program, Words words) {
  Inspect(program, std::move(words));
  return ExitCode::done;
}

constexpr Command kCommands[] = {
    {detail::list_syntax, inspect<detail::list_command>},
    {detail::describe_syntax, inspect<detail::describe_command>},
    {detail::graph_syntax, inspect<detail::graph_command>},
    {detail::run_syntax, detail::run_command},
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string help_of(const Program& program) {
  using Align = detail::TextTable::Align;
  detail::TextTable commands({{"command", Align::left}, {"what it does", Align::left}});
  for (const Command& command : kCommands) {
    const detail::CommandSyntax syntax = command.syntax();
    commands.add({syntax.name, syntax.summary});
  }
  const std::string& name = program.info.name;
  const char* const pipeline = program.needs_name() ? " PIPELINE" : "";
  return fmt::format(
      "{}{}Usage: {} COMMAND{} ...\n\n{}\n{}\n{} COMMAND{} --help tells more, --version which "
      "version this is.\n",
      program.info.summary, program.info.summary.empty() ? "" : "\n", name, pipeline,
      commands.text(), detail::list_text(program), name, pipeline);
}

// A name that is not one, a name used twice, a declaration that can't be parsed: mistakes of the
// program, told at its first start.
void check_entries(const std::vector<PipelineEntry>& pipelines) {
  std::set<std::string> names;
  if (pipelines.empty()) throw UsageError("the program has no pipelines");
  for (const PipelineEntry& entry : pipelines) {
    if (entry.name.empty() || entry.name.front() == '-') {
      throw UsageError(
          fmt::format("pipeline \"{}\": a name has text and no - in front", entry.name));
    }
    if (!names.insert(entry.name).second) {
      throw UsageError(fmt::format("pipeline {}: the name is used twice", entry.name));
    }
    if (!entry.build) throw UsageError(fmt::format("pipeline {}: it has no builder", entry.name));
    const auto faults = detail::arg_faults(entry.args);
    if (!faults.empty()) {
      throw UsageError(fmt::format("pipeline {}: {}", entry.name, faults.front()));
    }
  }
}

[[noreturn]] void refuse_command(const Program& program, const std::string& word) {
  Words commands;
  for (const Command& command : kCommands) commands.push_back(command.syntax().name);
  for (const PipelineEntry& entry : program.pipelines) {
    if (entry.name == word) {
      throw UsageError(
          fmt::format("{} is a pipeline; write {} run {}", word, program.info.name, word));
    }
  }
  throw UsageError(
      fmt::format("there is no command {}{}", word, detail::did_you_mean(word, commands)));
}

ExitCode dispatch(const Program& program, Words words) {
  check_entries(program.pipelines);
  if (words.empty()) {
    throw UsageError(fmt::format("no command is given; see {} --help", program.info.name));
  }
  const std::string command = words.front();
  words.erase(words.begin());
  if (command == "--help" || command == "-h") {
    detail::write_stdout(help_of(program));
    return ExitCode::done;
  }
  if (command == "--version") {
    detail::write_stdout(fmt::format("{} {}\n", program.info.name, program.info.version));
    return ExitCode::done;
  }
  for (const Command& known : kCommands) {
    if (known.syntax().name == command) return known.run(program, std::move(words));
  }
  refuse_command(program, command);
}

// Errors that reach this place were thrown before or outside a run's own reporting.
ExitCode answer(const Program& program, Words words) {
  detail::Console console(program.info.name);
  try {
    const detail::IgnoredSigpipe no_sigpipe;
    if (auto spawned = detail::SpawnedServer::here()) {
      check_entries(program.pipelines);
      detail::serve_spawned(program, std::move(words), *spawned);
    }
    return dispatch(program, std::move(words));
  } catch (const ClosedOutput&) {
    return ExitCode::closed_stdout;
  } catch (const UsageError& error) {
    console.message(error.what());
    return ExitCode::usage;
  } catch (const PipelineError& error) {
    for (const std::string& fault : error.faults()) console.message(fault);
    return ExitCode::usage;
  } catch (const std::exception& error) {
    console.message(error.what());
    return ExitCode::failed;
  } catch (...) {
    console.message("an exception that is no std::exception was thrown while building");
    return ExitCode::failed;
  }
}

}  // namespace

int main(int argc, char** argv, std::vector<PipelineEntry> pipelines, ProgramInfo program) {
  if (program.name.empty()) program.name = argc > 0 ? base_name(argv[0]) : "sluice";
  if (program.version.empty()) program.version = version();
  const detail::EntryGuard entered(argc, argv);
  const Words words(argv + std::min(argc, 1), argv + argc);
  return static_cast<int>(answer({std::move(program), std::move(pipelines)}, words));
}

int main(int argc, char** argv, PipelineBuilder build, ProgramInfo program) {
  std::string name = program.name.empty() && argc > 0 ? base_name(argv[0]) : program.name;
  PipelineEntry entry{
      .name = std::move(name), .summary = program.summary, .build = std::move(build)};
  return main(argc, argv, std::vector<PipelineEntry>{std::move(entry)}, std::move(program));
}

Args parse_args(const PipelineEntry& pipeline, const std::vector<std::string>& words) {
  const detail::KnownArgs known =
      detail::know_args(pipeline.name, {.name = pipeline.name, .summary = {}, .options = {}},
                        pipeline, words, detail::ArgTable::Gaps::refuse);
  return Args(known.table);
}

Pipeline build(const PipelineEntry& pipeline, const Args& args) {
  Pipeline built(pipeline.name);
  pipeline.build(built, args);
  return built;
}

}  // namespace sluice
