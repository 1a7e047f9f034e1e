// sluice/process/start_choice.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/start_choice.hpp>

#include <sluice/error.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/runtime/pool_carrier.hpp>

#include <fmt/format.h>

#include <cstddef>

namespace sluice::detail {
namespace {

[[noreturn]] void refuse_threads(const StartSituation& situation) {
  throw UsageError(fmt::format(
      "run: worker processes can't be forked{}, because the program has {} more thread{}: {}; "
      "call run() before they are started, or let sluice::main run the pipeline (start method "
      "spawn), or give the stage Carrier::thread",
      situation.wanted == StartMethod::automatic
          ? std::string()
          : fmt::format(" (start method {})", name_of(situation.wanted)),
      situation.threads.size(), situation.threads.size() == 1 ? "" : "s",
      text_of(situation.threads)));
}

}  // namespace

StartSituation start_situation(StartMethod wanted) {
  StartSituation situation{.wanted = wanted, .under_main = EntryGuard::active()};
  situation.threads = other_threads();
  if (!situation.threads.empty()) {
    end_unused_pool_threads();
    situation.threads = other_threads();
  }
  return situation;
}

StartMethod choose_start_method(const StartSituation& situation) {
  switch (situation.wanted) {
    case StartMethod::automatic:
      if (situation.threads.empty()) return StartMethod::forkserver;
      if (situation.under_main) return StartMethod::spawn;
      refuse_threads(situation);
    case StartMethod::spawn:
      if (situation.under_main) return StartMethod::spawn;
      throw UsageError(
          "run: start method spawn needs sluice::main, where the program that is started again "
          "builds the pipeline; let sluice::main run it, or use forkserver");
    case StartMethod::forkserver:
    case StartMethod::fork:
      break;
  }
  if (!situation.threads.empty()) refuse_threads(situation);
  return situation.wanted;
}

std::string text_of(const std::vector<ThreadInfo>& threads) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < threads.size() && i < kShown; ++i) {
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", threads[i].name, threads[i].id);
  }
  if (threads.size() > kShown) text += fmt::format(" and {} more", threads.size() - kShown);
  return text;
}

}  // namespace sluice::detail
