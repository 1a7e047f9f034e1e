// tests/pipelines/cli_program.cpp: pipelines that the tests of the command line need: endless ones,
// stuck ones, failing ones.
//
// Each says "ready" through Context::log once an item is inside, so that a test can send its signal.
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/sluice.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace {

using sluice::ArgKind;
using sluice::Args;
using sluice::Context;
using sluice::Pipeline;
using sluice::PipelineEntry;

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

// 0 .. count - 1; without a count until the run stops.
struct Numbers {
  using Out = std::uint64_t;

  void start(Context& given) { context = &given; }
  bool next(sluice::Emitter<std::uint64_t>& out) {
    if (count.has_value() ? at >= *count : context->stop_token().stop_requested()) return false;
    out.emit(at++);
    return true;
  }

  std::optional<std::uint64_t> count;
  std::uint64_t at = 0;
  Context* context = nullptr;
};

auto numbers(Pipeline& p, std::optional<std::uint64_t> count) {
  return p.source("read", Numbers{.count = count});
}

void print_line(const std::string& text) {
  const std::string line = text + '\n';
  if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fflush(stdout) == 0) {
    return;
  }
  throw std::system_error(errno, std::generic_category(), "writing a line");
}

// Says "ready" with the first item.
struct Ready {
  void note(Context& context) {
    if (!said) context.log("ready");
    said = true;
  }
  bool said = false;
};

PipelineEntry count_to() {
  return {.name = "count_to",
          .summary = "prints the numbers below a limit",
          .args = {{.name = "limit",
                    .kind = ArgKind::number,
                    .help = "first one left out",
                    .positional = true},
                   {.name = "prefix", .help = "before each number", .fallback = ""},
                   {.name = "case",
                    .help = "of the prefix",
                    .fallback = "same",
                    .choices = {"same", "upper"}},
                   {.name = "pad", .kind = ArgKind::size, .fallback = "0"},
                   {.name = "even", .kind = ArgKind::flag, .help = "leave out odd ones"},
                   {.name = "rest",
                    .help = "more words",
                    .fallback = "",
                    .positional = true,
                    .many = true}},
          .build =
              [](Pipeline& p, const Args& args) {
                const std::string prefix = args.text("prefix");
                const auto pad = static_cast<std::size_t>(args.size("pad"));
                const bool even = args.flag("even");
                std::string rest;
                for (const std::string& word : args.texts("rest")) rest += " " + word;
                const bool upper = args.text("case") == "upper";
                numbers(p, args.number("limit")) | sluice::filter("pick", [even](std::uint64_t n) {
                  return !even || n % 2 == 0;
                }) | sluice::map("format", [=](std::uint64_t n) {
                  return (upper ? "UPPER" : prefix) + std::to_string(n) + rest +
                         std::string(pad, '.');
                }) | sluice::sink("print", print_line, {.blocking = true});
              },
          .details = "  cli_program run count_to 3\n"};
}

// Logs much about each number before it prints it.
PipelineEntry chatty() {
  return {.name = "chatty",
          .args = {{.name = "limit",
                    .kind = ArgKind::number,
                    .help = "first one left out; 0 for none",
                    .positional = true}},
          .build = [](Pipeline& p, const Args& args) {
            const std::uint64_t limit = args.number("limit");
            numbers(p, limit == 0 ? std::nullopt : std::optional(limit)) |
                sluice::sink("print",
                             [](std::uint64_t n, Context& context) {
                               context.log(std::to_string(n) + std::string(200, '.'));
                               print_line(std::to_string(n));
                             },
                             {.blocking = true});
          }};
}

PipelineEntry asks() {
  return {.name = "asks",
          .summary = "declares no arguments, its builder asks",
          .build = [](Pipeline& p, const Args& args) {
            std::string text =
                args.path("input") + " " + std::to_string(args.number("n", 4, "how many"));
            if (args.flag("more")) text += " " + args.text("extra", {}, "only with --more");
            p.source("once", [text, done = false]() mutable -> std::optional<std::string> {
              if (std::exchange(done, true)) return std::nullopt;
              return text;
            }) | sluice::sink("print", print_line, {.blocking = true});
          }};
}

// Everything in it ends when asked to.
PipelineEntry endless() {
  return {.name = "endless", .build = [](Pipeline& p, const Args&) {
            numbers(p, std::nullopt) |
                sluice::sink("count", [ready = Ready()](std::uint64_t, Context& context) mutable {
                  ready.note(context);
                  nap();
                });
          }};
}

// What is inside drains as soon as the file `gate` exists; a cancel ends it at once.
PipelineEntry gated() {
  return {.name = "gated", .build = [](Pipeline& p, const Args& args) {
            numbers(p, std::nullopt) |
                sluice::sink("hold",
                             [gate = args.path("gate"), open = false, ready = Ready()](
                                 std::uint64_t, Context& context) mutable {
                               ready.note(context);
                               while (!open && !context.cancelled()) {
                                 std::FILE* file = std::fopen(gate.c_str(), "r");
                                 open = file != nullptr;
                                 if (open) std::fclose(file);
                                 nap();
                               }
                             },
                             {.blocking = true});
          }};
}

// The first item never comes back: neither stop nor cancel reaches it.
PipelineEntry stuck() {
  return {.name = "stuck", .build = [](Pipeline& p, const Args&) {
            numbers(p, std::nullopt) | sluice::sink("hang",
                                                    [](std::uint64_t, Context& context) {
                                                      context.log("ready");
                                                      for (;;) nap();
                                                    },
                                                    {.blocking = true});
          }};
}

PipelineEntry thirds() {
  return {.name = "thirds",
          .summary = "every third number is a dead letter",
          .args = {{.name = "limit", .kind = ArgKind::number, .fallback = "10"}},
          .build = [](Pipeline& p, const Args& args) {
            numbers(p, args.number("limit")) |
                sluice::map("check",
                            [](const std::uint64_t& n) {
                              if (n % 3 == 0)
                                throw std::runtime_error("three divides " + std::to_string(n));
                              return n;
                            },
                            {.on_error = sluice::retry(1).then(sluice::dead_letter("third"))}) |
                sluice::sink("drop", [](std::uint64_t) {});
          }};
}

PipelineEntry fails() {
  return {.name = "fails", .build = [](Pipeline& p, const Args&) {
            numbers(p, 100) | sluice::sink("refuse", [](std::uint64_t n) {
              if (n == 7) throw std::runtime_error("seven\nis too much");
            });
          }};
}

// Answers a closed output by ending its branch instead of throwing.
PipelineEntry polite() {
  return {.name = "polite", .build = [](Pipeline& p, const Args&) {
            numbers(p, std::nullopt) | sluice::sink("print",
                                                    [](std::uint64_t n, Context& context) {
                                                      try {
                                                        print_line(std::to_string(n));
                                                      } catch (const std::system_error&) {
                                                        context.stop();
                                                      }
                                                    },
                                                    {.blocking = true});
          }};
}

// Knows how many bytes it will deliver, delivers half of them, and goes on without any.
PipelineEntry weighed() {
  return {.name = "weighed", .build = [](Pipeline& p, const Args&) {
            struct Weighed : Numbers {
              void start(Context& given) {
                Numbers::start(given);
                given.expect_bytes(2'000'000);
              }
              bool next(sluice::Emitter<std::uint64_t>& out) {
                if (at < 1000) context->add_bytes(1000);
                return Numbers::next(out);
              }
            };
            p.source("read", Weighed{}) |
                sluice::sink("count", [ready = Ready()](std::uint64_t, Context& context) mutable {
                  ready.note(context);
                  nap();
                });
          }};
}

PipelineEntry wired() {
  return {.name = "wired", .build = [](Pipeline& p, const Args&) {
            p.inlet<int>("in") | sluice::sink("drop", [](int) {});
          }};
}

PipelineEntry faulty() {
  return {.name = "faulty", .build = [](Pipeline& p, const Args&) {
            static_cast<void>(p.source("loose", []() -> std::optional<int> { return {}; }));
            p.source("read", []() -> std::optional<int> { return {}; }) |
                sluice::sink("none", [](int) {}, {.workers = 0});
          }};
}

PipelineEntry refuses() {
  return {.name = "refuses",
          .args = {{.name = "n", .kind = ArgKind::number, .fallback = "1"}},
          .build = [](Pipeline& p, const Args& args) {
            if (args.number("n") > 5) throw sluice::UsageError("--n: give at most 5");
            static_cast<void>(args.number("typo"));
            numbers(p, 1) | sluice::sink("drop", [](std::uint64_t) {});
          }};
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::main(argc, argv,
                      {count_to(), chatty(), asks(), endless(), gated(), stuck(), thirds(), fails(),
                       polite(), weighed(), wired(), faulty(), refuses()},
                      {.summary = "Pipelines for the tests of the command line."});
}
