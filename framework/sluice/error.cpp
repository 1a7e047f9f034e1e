// sluice/error.cpp: texts of the framework's exceptions.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace sluice {
namespace {

std::string one_message(const std::vector<std::string>& faults) {
  if (faults.size() == 1) return faults.front();
  return fmt::format("{} faults: {}", faults.size(), fmt::join(faults, "; "));
}

std::string stage_message(const StageError::Where& where, const std::string& cause) {
  if (where.item == StageError::kNoItem) {
    return fmt::format("stage {}: {} failed in worker {}: {}", where.stage, where.phase,
                       where.worker, cause);
  }
  return fmt::format("stage {}: item {} failed in worker {} at attempt {}: {}", where.stage,
                     where.item, where.worker, where.attempt, cause);
}

}  // namespace

PipelineError::PipelineError(std::vector<std::string> faults)
    : std::logic_error(one_message(faults)), faults_(std::move(faults)) {}

StageError::StageError(Where where, const std::string& cause)
    : std::runtime_error(stage_message(where, cause)), where_(std::move(where)), cause_(cause) {}

std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace sluice
