// sluice/cli/run_command.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/run_command.hpp>

#include <sluice/chaos.hpp>
#include <sluice/cli/dead_letters.hpp>
#include <sluice/cli/overrides.hpp>
#include <sluice/cli/result_file.hpp>
#include <sluice/cli/run_watch.hpp>
#include <sluice/cli/values.hpp>
#include <sluice/error.hpp>
#include <sluice/os/terminal.hpp>
#include <sluice/start_method.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace sluice::detail {
namespace {

// What `run` was told, valid, with its files open.
struct RunRequest {
  Pipeline pipeline;
  std::vector<StageOverride> overrides;
  std::size_t memory = kAuto;
  WatchOptions watch;
  ChaosPlan chaos{};
  bool quiet = false;
  std::optional<ResultFile> report{};
  std::optional<ResultFile> dead_letters{};
};

Progress progress_of(const std::string& choice, bool quiet) {
  const bool terminal = stderr_is_terminal();
  if (choice == "always") return terminal ? Progress::live : Progress::lines;
  return choice == "auto" && terminal && !quiet ? Progress::live : Progress::off;
}

// Inlets and outlets are served by application code, and there is none behind the command line.
void refuse_endpoints(const Pipeline& pipeline) {
  for (const StageDef& def : pipeline.graph().stages) {
    if (def.role != StageRole::inlet && def.role != StageRole::outlet) continue;
    throw UsageError(fmt::format(
        "run: stage {} of pipeline {} is an {}, which only a program's own code can serve; it "
        "can't be run from the command line",
        def.name, pipeline.name(), def.kind));
  }
}

std::optional<ResultFile> open_file(const PipelineCommand& command, const std::string& option) {
  if (!command.has(option)) return std::nullopt;
  return ResultFile("--" + option, command.value(option));
}

StartMethod start_method_of(const std::string& word) {
  if (const auto method = start_method_named(word)) return *method;
  throw UsageError(fmt::format("--start-method: there is no start method {}", word));
}

// Files are opened last: a wrong command line empties none.
RunRequest make_request(const PipelineCommand& command) {
  RunRequest request{.pipeline = build(*command.entry, Args(command.args)),
                     .overrides = {},
                     .memory = kAuto,
                     .watch = {},
                     .quiet = command.has("quiet")};
  request.overrides = overrides_of(command.options, request.pipeline);
  request.memory = memory_of(command.options);
  request.watch.grace_s = parse_seconds("--grace", command.value("grace", "10"));
  request.watch.progress = progress_of(command.value("progress", "auto"), request.quiet);
  if (command.has("chaos")) request.chaos = parse_chaos(command.value("chaos"));
  set_start_method(start_method_of(command.value("start-method", "automatic")));
  refuse_endpoints(request.pipeline);
  static_cast<void>(plan(request.pipeline, Machine::here(), request.overrides, request.memory));
  request.report = open_file(command, "report");
  request.dead_letters = open_file(command, "dead-letters");
  return request;
}

// Whether a stage failed because it wrote to a pipe that nobody reads.
bool is_broken_pipe(const std::exception& error) {
  if (dynamic_cast<const ClosedOutput*>(&error) != nullptr) return true;
  const auto* const system = dynamic_cast<const std::system_error*>(&error);
  if (system != nullptr && system->code() == std::errc::broken_pipe) return true;
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& cause) {
    return is_broken_pipe(cause);
  } catch (...) {
  }
  return false;
}

// The run in hand, and what is said about it at the end.
class Execution {
 public:
  Execution(Console& console, RunRequest request)
      : console_(console),
        request_(std::move(request)),
        letters_(console, std::move(request_.dead_letters), [this] { results_unwritable(); }) {}

  ~Execution() { console_.forget_hooks(); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  ExitCode run() {
    {
      console_.begin_run({.on_waiting = [this] { gate_.wake(); },
                          .gives_up = [this] { return is_interrupted_again(); }});
      RunHandle handle = start(request_.pipeline, options());
      RunWatch watch(handle, gate_, console_, request_.watch);
      watched_ = watch.until_end(unwritable_);
      console_.end_run();
      if (watched_.stuck) end_process();  // before `watch` and `handle` are destroyed
      judge(handle);
    }
    tell();
    return exit_code(outcome_);
  }

 private:
  RunOptions options() {
    RunOptions options;
    options.overrides = request_.overrides;
    options.chaos = request_.chaos;
    options.memory = request_.memory;
    options.on_dead_letter = [this](const DeadLetter& letter) { letters_.take(letter); };
    options.on_log = [this](std::string_view stage, std::string_view text) {
      console_.message(fmt::format("{}: {}", stage, text));
    };
    return options;
  }

  // The run has ended, and a signal can only mean that nobody wants its results.
  bool is_interrupted_again() {
    const bool is = gate_.wait(Deadline::now()) == SignalGate::Event::end;
    outcome_.interrupted = outcome_.interrupted || is;
    return is;
  }

  void results_unwritable() {
    // sync-point results-unwritable: releases the message that came before.
    unwritable_.store(true, std::memory_order_release);
    gate_.wake();
  }

  void judge(RunHandle& handle) {
    report_ = handle.snapshot();
    outcome_.interrupted = watched_.interrupted;
    outcome_.late = watched_.late;
    outcome_.dead_letters = report_.dead_letters > 0;
    if (watched_.late) name_late_stage();
    try {
      static_cast<void>(handle.wait());
    } catch (const std::exception& error) {
      outcome_.closed_stdout = is_broken_pipe(error) && stdout_is_closed();
      outcome_.failed = true;
      failure_ = error.what();
    }
    // A stage may also answer a closed output with Context::stop().
    const bool stopped_itself = report_.status == RunStatus::stopped && !watched_.interrupted;
    if (stopped_itself && stdout_is_closed()) outcome_.closed_stdout = true;
    flush_results();
  }

  // What stages left in stdio's buffer would be lost without a word at exit.
  void flush_results() {
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
    const int error = errno == 0 ? EIO : errno;  // an earlier write failed: its errno is gone
    if (stdout_is_closed()) {
      outcome_.closed_stdout = true;
      return;
    }
    if (outcome_.failed) return;  // most likely by this, and better told
    outcome_.failed = true;
    console_.message(fmt::format("writing to standard output failed: {}",
                                 std::generic_category().message(error)));
  }

  void name_late_stage() {
    report_.verdict = fmt::format("late: {:g} s to drain were not enough; {}",
                                  request_.watch.grace_s, watched_.late_cause);
  }

  // Everything for people and machines, the reason for a failure last.
  void tell() {
    if (!letters_.finish()) outcome_.failed = true;
    write_report();
    if (outcome_.closed_stdout) return;
    if (!request_.quiet) console_.block(report_.table());
    tell_idle_chaos();
    if (!failure_.empty()) console_.message(failure_);
    if (outcome_.late) {
      console_.message(fmt::format("the {:g} s to drain are over; {}", request_.watch.grace_s,
                                   watched_.late_cause));
    }
  }

  void tell_idle_chaos() {
    if (request_.chaos.faults.empty() || report_.chaos_kills + report_.chaos_stops > 0) return;
    console_.message("chaos: the run ended before the first fault");
  }

  void write_report() {
    if (!request_.report) return;
    try {
      request_.report->write_line(report_.json());
      request_.report->close();
    } catch (const std::exception& error) {
      outcome_.failed = true;
      console_.message(error.what());
    }
  }

  // A thread is stuck in user code and can't be ended, so neither can the run: no destructor of it
  // may be called. All files are flushed per line; standard output is flushed if that can't block.
  [[noreturn]] void end_process() {
    report_ = *std::move(watched_.at_grace);
    outcome_.late = true;
    name_late_stage();
    tell();
    flush_stdout_without_waiting();
    std::_Exit(static_cast<int>(exit_code(outcome_)));
  }

  Console& console_;
  RunRequest request_;
  SignalGate gate_{};  // before any thread of the run
  std::atomic<bool> unwritable_{false};
  DeadLetterLog letters_;
  Watched watched_{};
  Report report_{};
  RunOutcome outcome_{};
  std::string failure_{};
};

}  // namespace

CommandSyntax run_syntax() {
  CommandSyntax syntax{"run", "Runs a pipeline.", override_options()};
  const std::vector<CommandOption> more = {
      {{.name = "report",
        .kind = ArgKind::path,
        .help = "Write the report as JSON to this file",
        .fallback = ""},
       "FILE"},
      {{.name = "dead-letters",
        .kind = ArgKind::path,
        .help = "Write every dead letter to this file, a JSON object per line",
        .fallback = ""},
       "FILE"},
      {{.name = "progress",
        .help = "Tell how far the run is; auto: only on a terminal",
        .fallback = "auto",
        .choices = {"auto", "always", "never"}},
       "WHEN"},
      {{.name = "quiet", .kind = ArgKind::flag, .help = "No table at the end"}, ""},
      {{.name = "start-method",
        .help = "How worker processes come into being (sluice/start_method.hpp)",
        .fallback = "automatic",
        .choices = {"automatic", "auto", "forkserver", "spawn", "fork"}},
       "METHOD"},
      {{.name = "chaos",
        .help = "Kill and stop worker processes on purpose, so many a second: "
                "kill=STAGE:RATE,stop=STAGE:RATE,seed=N",
        .fallback = ""},
       "FAULTS"},
      {{.name = "grace",
        .help = "How long the run may drain after a signal before the process ends",
        .fallback = "10"},
       "SECONDS"}};
  syntax.options.insert(syntax.options.end(), more.begin(), more.end());
  return syntax;
}

ExitCode run_command(const Program& program, std::vector<std::string> words) {
  const PipelineCommand command =
      understand(program, run_syntax(), std::move(words), ArgTable::Gaps::refuse);
  if (command.help) {
    write_stdout(command.help_text);
    return ExitCode::done;
  }
  Console console(program.info.name);
  return Execution(console, make_request(command)).run();
}

}  // namespace sluice::detail
