// tests/processes/fault_plan.cpp: makes a whole program one in which a call fails.
//
// Linked with a program: before its main, SLUICE_FAIL_CALL="N ERRNO NAME" has the N-th call of NAME fail,
// counted over the program and all that it forks. When the program exits in an orderly way its last line on
// standard output is "fault came C descriptors D children E memory F": whether that call came, descriptors
// more than at the start, children, and memory files that are still mapped.
// SPDX-License-Identifier: MIT
#include <process/failing_calls.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;

long open_descriptors() {
  std::error_code error;
  const fs::directory_iterator found("/proc/self/fd", error);
  return std::distance(fs::begin(found), fs::end(found));
}

long children() {
  long count = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/self/task", error)) {
    std::ifstream in(task.path() / "children");
    for (std::string pid; in >> pid;) ++count;
  }
  return count;
}

long mapped_memory_files() {
  long count = 0;
  std::ifstream in("/proc/self/maps");
  for (std::string line; std::getline(in, line);) count += line.find("/memfd:sluice") != line.npos;
  return count;
}

class FaultPlan {
 public:
  FaultPlan() {
    const char* const wish = std::getenv("SLUICE_FAIL_CALL");
    int n = 0;
    int error = 0;
    int name_at = 0;
    if (wish == nullptr || std::sscanf(wish, "%d %d %n", &n, &error, &name_at) != 2) return;
    const std::string name = wish + name_at;
    ::unsetenv("SLUICE_FAIL_CALL");  // a program that is started again from this one fails nothing
    self_ = ::getpid();
    descriptors_ = open_descriptors();
    sluice::testing_support::fail_call(name, n, error);
  }
  ~FaultPlan() {
    if (self_ != ::getpid()) return;
    const bool came = sluice::testing_support::stop_failing();
    std::printf("fault came %d descriptors %ld children %ld memory %ld\n", came ? 1 : 0,
                open_descriptors() - descriptors_, children(), mapped_memory_files());
    std::fflush(stdout);
  }
  FaultPlan(const FaultPlan&) = delete;
  FaultPlan& operator=(const FaultPlan&) = delete;

 private:
  pid_t self_ = 0;
  long descriptors_ = 0;
};

// Before every object of the program's, so that it is destroyed after all of them.
__attribute__((init_priority(101))) FaultPlan the_plan;

}  // namespace
