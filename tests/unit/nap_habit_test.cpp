// unit/nap_habit_test.cpp: when a thread naps instead of asking to be woken.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/nap_habit.hpp>

#include <catch2/catch.hpp>

#include <cstdint>

namespace sluice::detail {
namespace {

using Found = NapHabit::Found;

constexpr NapHabit::Nanoseconds kShort = 20'000;
constexpr NapHabit::Nanoseconds kLong = 1'000'000;
constexpr NapHabit::Nanoseconds kLittle = 100;
constexpr NapHabit::Nanoseconds kMuch = 50'000;

// Returns  after how many short sleeps it naps; `most` when it does not.
int short_sleeps_until_nap(NapHabit& habit, int most = 100'000) {
  int count = 0;
  for (; count < most && !habit.naps(); ++count) habit.slept(kShort, kLittle);
  return count;
}

TEST_CASE("A thread naps after several short sleeps that brought little", "[runtime]") {
  NapHabit habit;
  CHECK_FALSE(habit.naps());
  CHECK(short_sleeps_until_nap(habit) > 1);
  CHECK(habit.naps());
  habit.napped(Found::enough);
  CHECK(habit.naps());
}

TEST_CASE("One long sleep, or one after which there was much to do, begins the count anew",
          "[runtime]") {
  const bool is_long = GENERATE(true, false);
  NapHabit fresh;
  const int usual = short_sleeps_until_nap(fresh);
  NapHabit habit;
  for (int i = 0; i < usual - 1; ++i) habit.slept(kShort, kLittle);
  habit.slept(is_long ? kLong : kShort, is_long ? kLittle : kMuch);
  CHECK_FALSE(habit.naps());
  CHECK(short_sleeps_until_nap(habit) == usual);
}

TEST_CASE("A nap that found nothing is followed by real sleeps", "[runtime]") {
  NapHabit habit;
  const int usual = short_sleeps_until_nap(habit);
  habit.napped(Found::nothing);
  CHECK_FALSE(habit.naps());
  CHECK(short_sleeps_until_nap(habit) == usual);
}

TEST_CASE("Much work after a nap ends the naps", "[runtime]") {
  NapHabit habit;
  static_cast<void>(short_sleeps_until_nap(habit));
  habit.woke_to(kLittle);
  CHECK(habit.naps());
  habit.woke_to(kMuch);
  CHECK_FALSE(habit.naps());
}

TEST_CASE("Naps that do not pay become rare, and a time when one pays clears that", "[runtime]") {
  const Found found = Found::too_few;
  NapHabit habit;
  static_cast<void>(short_sleeps_until_nap(habit));
  int before = 0;
  for (int i = 0; i < 6; ++i) {
    habit.napped(found);
    const int now = short_sleeps_until_nap(habit);
    CHECK(now > before);
    before = now;
  }
  for (int i = 0; i < 20; ++i) {  // never given up for good
    habit.napped(found);
    CHECK(short_sleeps_until_nap(habit) < 100'000);
  }
  habit.napped(Found::enough);
  habit.napped(found);
  CHECK(short_sleeps_until_nap(habit) < before);
}

TEST_CASE("A nap pays when as many items come in its time as when each is woken for", "[runtime]") {
  // An item in 20.1 us, by real sleeps.
  NapHabit habit;
  static_cast<void>(short_sleeps_until_nap(habit));
  constexpr NapHabit::Nanoseconds kNapAndWork = 120'600;  // six times as long
  CHECK(habit.judge(kNapAndWork, 6) == Found::enough);
  CHECK(habit.judge(kNapAndWork, 10) == Found::enough);
  // A loop in which three items go round: whoever sends them waits for them.
  CHECK(habit.judge(kNapAndWork, 3) == Found::too_few);
  CHECK(habit.judge(kNapAndWork, 1) == Found::too_few);
}

TEST_CASE("A loop in which several items go round is hardly ever napped in", "[runtime]") {
  const std::uint64_t round = GENERATE(1U, 3U, 4U, 8U);
  NapHabit habit;
  int naps = 0;
  constexpr int kRounds = 100'000;
  for (int i = 0; i < kRounds; ++i) {
    if (!habit.naps()) {
      habit.slept(40'000, kLittle, round);
      continue;
    }
    ++naps;
    habit.napped(habit.judge(140'000, round));
  }
  CHECK(naps > 0);
  CHECK(naps < kRounds / 1000);
}

}  // namespace
}  // namespace sluice::detail
