// bench/support/two_processes.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/duel.hpp>
#include <support/two_processes.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace sluice::bench {

void run_in_two_processes(const std::string& what, Placement placement,
                          const std::function<void()>& here, const std::function<void()>& there) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(what + ": cannot fork");
  if (child == 0) {
    int status = 0;
    try {
      place_this_thread(placement, 1);
      there();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", what.c_str(), error.what());
      status = 1;
    }
    ::_exit(status);
  }
  place_this_thread(placement, 0);
  std::exception_ptr failure;
  try {
    here();
  } catch (...) {
    failure = std::current_exception();
    ::kill(child, SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  unpin_this_thread();
  if (failure) std::rethrow_exception(failure);
  if (status != 0) throw WrongResult(what + ": the other process failed");
}

}  // namespace sluice::bench
