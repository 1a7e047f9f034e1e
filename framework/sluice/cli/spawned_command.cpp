// sluice/cli/spawned_command.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/spawned_command.hpp>

#include <sluice/cli/run_command.hpp>
#include <sluice/error.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/process/pipeline_server.hpp>

#include <utility>

namespace sluice::detail {
namespace {

Pipeline rebuild(const Program& program, std::vector<std::string> words) {
  if (words.empty() || words.front() != run_syntax().name) {
    throw UsageError("worker processes by spawn belong to the command run");
  }
  words.erase(words.begin());
  const PipelineCommand command =
      understand(program, run_syntax(), std::move(words), ArgTable::Gaps::refuse);
  return build(*command.entry, Args(command.args));
}

}  // namespace

void serve_spawned(const Program& program, std::vector<std::string> words, SpawnedServer& server) {
  try {
    if (pipeline_server() == nullptr) {
      throw UsageError("this program has no engine for stages in worker processes");
    }
    const Pipeline pipeline = rebuild(program, std::move(words));
    server.serve(fingerprint_of(pipeline), pipeline_server()(pipeline));
  } catch (...) {
    server.refuse("the program that was started again could not build its pipeline: " +
                  current_exception_text());
    throw;
  }
}

}  // namespace sluice::detail
