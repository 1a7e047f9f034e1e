// tests/processes/fault_runs.cpp
// SPDX-License-Identifier: MIT
#include <processes/fault_runs.hpp>

#include <processes/process_run.hpp>

#include <catch2/catch.hpp>
#include <support/watchdog.hpp>

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace sluice::testing_support {
namespace {

class FailingCall {
 public:
  FailingCall(const Call& call, int n) {
    const std::string wish = std::to_string(n) + ' ' + std::to_string(call.error) + ' ' + call.name;
    ::setenv(kName, wish.c_str(), 1);
  }
  ~FailingCall() { ::unsetenv(kName); }
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;

 private:
  static constexpr const char* kName = "SLUICE_FAIL_CALL";
};

// What the program has said of itself in its last line (fault_plan.cpp).
struct Said {
  int came = -1;
  long descriptors = -1;
  long children = -1;
  long memory = -1;
};
Said said_by(const Ended& ended) {
  Said said;
  const std::size_t at = ended.out.rfind("fault came");
  if (at == std::string::npos) return said;
  std::sscanf(ended.out.c_str() + at, "fault came %d descriptors %ld children %ld memory %ld",
              &said.came, &said.descriptors, &said.children, &said.memory);
  return said;
}

// Of a spawned program the server says the same by itself.
bool says_why(const Ended& ended, const std::string& program) {
  const auto lines = std::count(ended.err.begin(), ended.err.end(), '\n');
  const std::string begin = std::filesystem::path(program).filename().string() + ": ";
  return ended.exit_code > 0 && ended.exit_code < 4 && lines >= 1 && lines <= 2 &&
         ended.err.rfind(begin, 0) == 0 && ended.err.size() > begin.size() + 35;
}

}  // namespace

FaultTally fail_each(const Call& call, const std::vector<std::string>& words,
                     const std::string& exact, int step) {
  FaultTally tally;
  for (int n = 1;; n += step) {
    const FailingCall failing(call, n);
    const Ended ended = run_program(words);
    const Said said = said_by(ended);
    const bool is_exact = ended.exit_code == 0 && ended.out.find(exact) != std::string::npos;
    INFO(call.name << ' ' << n << ": exit " << ended.exit_code << " signal " << ended.signal << '\n'
                   << ended.out << ended.err);
    REQUIRE(said.came != -1);
    CHECK(said.descriptors == 0);
    CHECK(said.children == 0);
    CHECK(said.memory == 0);
    CHECK((is_exact || (said.came == 1 && says_why(ended, words.front()))));
    wait_until([&] { return processes_of(words.front()).empty(); });
    if (said.came == 0) {  // the control
      CHECK(is_exact);
      return tally;
    }
    ++tally.faults;
    ++(is_exact ? tally.exact : tally.refused);
  }
}

}  // namespace sluice::testing_support
