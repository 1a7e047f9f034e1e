// tests/process/spawn_program.cpp: starts its worker server by spawn, well and badly.
//
// Every time main begins, a line "main" with the process id goes to standard output.
// SPDX-License-Identifier: MIT
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/pipeline_server.hpp>
#include <sluice/process/worker_server.hpp>
#include <sluice/sluice.hpp>

#include <process/family.hpp>

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sluice::detail;
using sluice::testing_support::await;
using sluice::testing_support::sleep_for_ever;
using sluice::testing_support::start_worker;

void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

// Starts a server and two workers from inside a run, so from a program that has threads.
void drive(const sluice::Pipeline& pipeline, const std::string& how) {
  try {
    const auto server = WorkerServer::spawn(
        {.argv = EntryGuard::argv(),
         .fingerprint = fingerprint_of(pipeline),
         .patience = std::chrono::milliseconds{how == "sleeper" ? 3000 : 30'000}});
    if (how == "stay") {
      start_worker(*server, {.key = 1, .stage = 1});
      say("servers " + std::to_string(server->server_pids().size()));
      sleep_for_ever();
    }
    for (std::uint32_t worker = 0; worker < 2; ++worker) {
      server->launch({.key = worker, .worker = worker}, {});
      await(*server, ServerEvent::Kind::started);
      say(text_of(await(*server, ServerEvent::Kind::exited).end));
    }
    say("servers " + std::to_string(server->server_pids().size()));
  } catch (const std::exception& error) {
    say(std::string("spawn failed: ") + error.what());
  }
}

const sluice::PipelineEntry& entry();

void describe(sluice::Pipeline& p, const sluice::Args& args) {
  const std::string how = args.text("how");
  // A builder that goes by more than its arguments.
  const std::string name = how == "unstable" ? "make " + std::to_string(::getpid()) : "make";
  if (how == "throws" && ::getppid() == std::atoi(std::getenv("FIRST_MAIN"))) {
    throw std::runtime_error("the builder has had enough");
  }
  p.source(name, [left = 1]() mutable -> std::optional<int> {
    return left-- > 0 ? std::optional<int>(1) : std::nullopt;
  }) | sluice::sink("drive", [how](const int&) {
    if (how == "replaced") {  // the test replaces our file meanwhile
      say("ready");
      std::getchar();
    }
    drive(sluice::build(entry(), sluice::parse_args(entry(), {"--how", how})), how);
  });
}

const sluice::PipelineEntry& entry() {
  static const sluice::PipelineEntry the_entry{
      .name = "spawn_program",
      .args = {{.name = "how", .help = "What to do", .fallback = "well"}},
      .build = describe};
  return the_entry;
}

// The workers' exit status tells that they serve the pipeline that was built, with its stages.
ServeWorker serve(const sluice::Pipeline& pipeline) {
  return [stages = pipeline.graph().stages.size()](const WorkerSpec& spec, std::span<const int>) {
    if (spec.stage == 1) sleep_for_ever();
    if (std::getenv("SLUICE_WORKER_SERVER") != nullptr) return 119;
    return static_cast<int>(10 * stages + spec.worker);
  };
}

// main without sluice::main in front of run().
void run_unguarded() {
  sluice::Pipeline pipeline("early");
  int left = 1;
  pipeline.source("once", [&]() -> std::optional<int> {
    return left-- > 0 ? std::optional<int>(1) : std::nullopt;
  }) | sluice::sink("swallow", [](const int&) {});
  static_cast<void>(sluice::run(pipeline));
}

}  // namespace

int main(int argc, char** argv) {
  say("main " + std::to_string(::getpid()));
  if (std::getenv("FIRST_MAIN") == nullptr) {
    ::setenv("FIRST_MAIN", std::to_string(::getpid()).c_str(), 1);
  }
  const bool first = std::getenv("FIRST_MAIN") == std::to_string(::getpid());
  const std::string how = argc > 3 ? argv[3] : "";
  set_pipeline_server(serve);
  if (how == "unguarded_run" && !first) run_unguarded();
  if (how == "unguarded_spawn" && !first) {
    const EntryGuard pretends(argc, argv);
    drive(sluice::Pipeline("none"), how);
  }
  if (how == "ends" && !first) return 7;
  if (how == "sleeper" && !first) sleep_for_ever();
  if (how == "no_engine" && !first) set_pipeline_server(nullptr);
  std::thread early;
  if (how == "threads" && !first) {
    std::promise<void> named;
    early = std::thread([&named] {
      ::pthread_setname_np(::pthread_self(), "too early");
      named.set_value();
      sleep_for_ever();
    });
    named.get_future().wait();
  }
  return sluice::main(argc, argv, std::vector<sluice::PipelineEntry>{entry()});
}
