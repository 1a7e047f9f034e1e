// tests/processes/process_program.cpp: pipelines whose stage `work` is tried in processes: all that can go wrong
// with a process, and a sink that counts every output.
//
// Parcel n makes n % 3 outputs; every byte is a function of parcel, output and place. The last line on
// standard output is "outputs A lost B doubled C corrupt D ordered E".
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/kill_point.hpp>
#include <sluice/sluice.hpp>

#include <processes/vandal.hpp>

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {
// A broken one goes out and can't come in again: as if its bytes were destroyed on the way. Zeros are whole.
struct Seal {
  bool whole = true;
};
}  // namespace

template <>
struct sluice::codec<Seal> {
  static void write(const Seal& seal, sluice::Writer& to) { to.put(!seal.whole); }
  static Seal read(sluice::Reader& from) {
    if (from.get<bool>()) from.fail("its seal is broken");
    return {};
  }
};

namespace {

using sluice::ArgKind;
using sluice::Args;
using sluice::Context;
using sluice::Emitter;
using sluice::Pipeline;

struct Parcel {
  std::uint64_t number = 0;
  std::uint32_t output = 0;
  std::string bytes{};
  Seal seal{};
};

std::string subject_of(const Parcel& parcel) { return "parcel " + std::to_string(parcel.number); }

char byte_at(std::uint64_t number, std::uint32_t output, std::size_t place) {
  return static_cast<char>((number * 31 + output * 7 + place * 13 + (place >> 8U)) & 0xFFU);
}
std::string bytes_of(std::uint64_t number, std::uint32_t output, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = byte_at(number, output, i);
  return bytes;
}
bool intact(const Parcel& parcel) {
  return parcel.bytes == bytes_of(parcel.number, parcel.output, parcel.bytes.size());
}
std::size_t outputs_of(std::uint64_t number) { return number % 3; }

struct Source {
  using Out = Parcel;
  bool next(Emitter<Parcel>& out) {
    if (at == count) return false;
    // Sizes vary around the wanted one, so that records end anywhere.
    const std::size_t bytes = size == 0 ? 0 : size / 2 + (at * 37) % (size + 1);
    out.emit({.number = at, .bytes = bytes_of(at, 0, bytes)});
    ++at;
    return true;
  }
  std::uint64_t count = 0;
  std::size_t size = 0;
  std::uint64_t at = 0;
};

// Until the stack is over; in a way that no compiler sees through.
using Fall = int (*)(int);
Fall volatile fall_on = nullptr;
int fall(int depth) {
  volatile char page[4096];
  page[0] = static_cast<char>(depth);
  return (fall_on != nullptr ? fall_on(depth + 1) : 0) + page[0];
}

// In memory that all processes share: raised by the sink for every output.
sem_t* arrivals = nullptr;

void share_arrivals() {
  void* const place =
      ::mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) throw std::runtime_error("no shared memory");
  arrivals = static_cast<sem_t*>(place);
  if (::sem_init(arrivals, 1, 0) != 0) throw std::runtime_error("no semaphore");
}

void say_arrived() {
  if (arrivals != nullptr) static_cast<void>(::sem_post(arrivals));
}
void wait_for_an_arrival() {
  while (arrivals != nullptr && ::sem_wait(arrivals) != 0) {
  }
}

// Until everything before this parcel has come out at the end. For one process, which does not die.
void wait_for_all_before(std::uint64_t number) {
  static std::uint64_t arrived = 0;
  const std::uint64_t outputs = number / 3 * 3 + (number % 3 == 2 ? 1 : 0);
  for (; arrived < outputs; ++arrived) wait_for_an_arrival();
}

[[noreturn]] void hang() {
  for (;;) ::pause();
}

// Waits until it is asked to stop, or until nobody wants its outputs any more. Says so before and after.
void wait_for_a_stop(Context& context, bool for_a_cancel) {
  const std::stop_token token = context.stop_token();
  std::fprintf(stderr, "waits, asked already %d\n", token.stop_requested() ? 1 : 0);
  say_arrived();
  while (for_a_cancel ? !context.cancelled() : !token.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::fprintf(stderr, "heard it, cancelled %d\n", context.cancelled() ? 1 : 0);
}

void say_a_lot() {
  for (int i = 0; i < 20'000; ++i) std::fprintf(stderr, "line %d of very many\n", i);
}

// Troubles that last.
void take_long(const std::string& trouble, Context& context) {
  const bool first = context.attempt() == 1;
  if (trouble == "hang") hang();
  if (trouble == "stopped" || (trouble == "stopped_once" && first)) std::raise(SIGSTOP);
  // One is stopped, the other works for as long.
  if (trouble == "stopped_or_long" && first) {
    if (context.item() % 20 == 9) std::raise(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::seconds(13));
  }
  if (trouble == "about_timeout") {  // 10 to 13 ms, every other attempt 1 ms
    const std::uint64_t chance = context.item() * 7919 + context.attempt() * 104'729;
    std::this_thread::sleep_for(
        std::chrono::microseconds(chance % 2 == 0 ? 1'000 : 10'000 + chance / 2 % 30 * 100));
  }
  if (trouble == "patient") {
    std::fprintf(stderr, "attempt %u begins\n", context.attempt());
    if (context.attempt() < 4) hang();
  }
  if (trouble == "heeds") wait_for_a_stop(context, false);
  if (trouble == "heeds_cancel") wait_for_a_stop(context, true);
  if (trouble == "talkative" && first) {
    say_a_lot();
    std::abort();
  }
}

// As if somebody outside killed every seventh attempt, and an item of a thousand killed its processes itself.
void be_in_a_storm(const Context& context) {
  if (context.item() % 1000 == 998) std::raise(SIGKILL);
  if (context.attempt() > 6) return;
  std::uint64_t chance = (context.item() * 64 + context.attempt()) * 0x9e3779b97f4a7c15U;
  chance = (chance ^ (chance >> 29U)) * 0xbf58476d1ce4e5b9U;
  if ((chance >> 32U) % 7 == 0) std::raise(SIGKILL);
}

// Troubles of the memory that is shared with the parent.
void do_damage(const std::string& trouble) {
  if (trouble == "zeros" || trouble == "ones" || trouble == "noise") {
    sluice::testing_support::scribble_over_own_log(trouble == "zeros"  ? 0
                                                   : trouble == "ones" ? 1
                                                                       : 4711);
    hang();
  }
  if (trouble == "rampage") {
    sluice::testing_support::rampage();
    hang();
  }
}

// What an unlucky parcel does, in processes and threads alike where it only throws.
void get_into_trouble(const std::string& trouble, Context& context) {
  take_long(trouble, context);
  do_damage(trouble);
  if (trouble == "storm") be_in_a_storm(context);
  if (trouble == "throw") throw std::out_of_range("an unlucky parcel");
  if (trouble == "abort") std::abort();
  if (trouble == "segv") std::raise(SIGSEGV);
  if (trouble == "kill") std::raise(SIGKILL);
  if (trouble == "exit0") std::exit(0);
  if (trouble == "exit3") std::exit(3);
  if (trouble == "quick") ::_exit(4);
  if (trouble == "stack") {
    fall_on = fall;
    std::exit(fall(0));
  }
  if (trouble == "bomb") {
    std::vector<std::unique_ptr<char[]>> all;
    for (;;) all.push_back(std::make_unique<char[]>(1U << 20U));
  }
  if (trouble == "words") {
    std::fputs("first line\nthe last line\n", stderr);
    std::abort();
  }
  const bool dies_once = trouble == "once" || trouble == "seal_after_death";
  if (dies_once && context.attempt() == 1) std::abort();
}

struct Worker {
  using Out = Parcel;

  void start(Context& given) {
    context = &given;
    if (trouble == "start") throw std::runtime_error("no work today");
    if (trouble == "dies_at_start") std::abort();
    if (trouble == "stops_at_start" && given.incarnation() == 0) std::raise(SIGSTOP);
    if (trouble == "start_later" && given.incarnation() > 0) {
      given.log("a later process says something");
      throw std::runtime_error("no work today");
    }
    if (trouble == "slow_start") std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  }
  void process(const Parcel& parcel, Emitter<Parcel>& out) const {
    if (!intact(parcel)) throw std::runtime_error("a parcel was damaged on its way");
    if (every != 0 && parcel.number % every == every - 1) {
      if (trouble == "wait") wait_for_all_before(parcel.number);
      get_into_trouble(trouble, *context);
    }
    if (spin_us > 0) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(spin_us);
      while (std::chrono::steady_clock::now() < until) {
      }
    }
    const bool breaks = breaks_seals(parcel.number);
    if (breaks) context->log("a seal is broken");
    for (std::uint32_t i = 0; i < outputs_of(parcel.number); ++i) {
      out.emit({.number = parcel.number,
                .output = i,
                .bytes = bytes_of(parcel.number, i, parcel.bytes.size() / (i + 1)),
                .seal = {.whole = !breaks || i + 1 < outputs_of(parcel.number)}});
    }
  }

  [[nodiscard]] bool breaks_seals(std::uint64_t number) const {
    if (every == 0 || number % every != every - 1) return false;
    return trouble == "seal" || (trouble == "seal_once" && context->attempt() == 1) ||
           (trouble == "seal_after_death" && context->attempt() == 2);
  }

  std::string trouble{};
  std::uint64_t every = 0;
  std::uint64_t spin_us = 0;
  Context* context = nullptr;
};

struct Sink {
  void start(Context& given) { context = &given; }
  void process(const Parcel& parcel) {
    if (!intact(parcel) || parcel.number >= seen.size() ||
        parcel.output >= outputs_of(parcel.number)) {
      ++corrupt;
      return;
    }
    const auto bit = static_cast<std::uint8_t>(1U << parcel.output);
    if ((seen[parcel.number] & bit) != 0) ++doubled;
    seen[parcel.number] |= bit;
    if (enough == 0) say_arrived();
    if (slow_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(slow_ms));
    const std::uint64_t place = parcel.number * 3 + parcel.output;
    ordered = ordered && place >= last;
    last = place;
    if (++outputs != enough) return;
    wait_for_an_arrival();
    context->enough();
  }
  void finish() const {
    std::uint64_t lost = 0;
    for (std::uint64_t n = 0; n < seen.size(); ++n) {
      for (std::size_t i = 0; i < outputs_of(n); ++i) lost += (seen[n] >> i & 1U) == 0;
    }
    std::printf("outputs %llu lost %llu doubled %llu corrupt %llu ordered %d\n",
                static_cast<unsigned long long>(outputs), static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(doubled), static_cast<unsigned long long>(corrupt),
                ordered ? 1 : 0);
    std::fflush(stdout);
  }

  std::vector<std::uint8_t> seen{};
  std::uint64_t slow_ms = 0;  // a consumer that takes its time: what waits for it is no hang
  std::uint64_t outputs = 0;
  std::uint64_t doubled = 0;
  std::uint64_t corrupt = 0;
  std::uint64_t last = 0;
  bool ordered = true;
  std::uint64_t enough =
      0;  // outputs after which no more is wanted, and a function that waits; 0: never
  Context* context = nullptr;
};

sluice::ErrorPolicy policy(const Args& args) {
  const std::string name = args.text("policy");
  if (name == "skip") return sluice::skip();
  if (name == "dead") return sluice::dead_letter("unlucky");
  if (name == "retry") return sluice::retry(3).then(sluice::dead_letter("unlucky"));
  if (name == "later") {
    return sluice::retry(2, std::chrono::milliseconds(1)).then(sluice::dead_letter("unlucky"));
  }
  return sluice::fail_run();
}

sluice::StageOptions work_options(const Args& args) {
  const auto number = [&args](const char* name) { return args.number(name); };
  return {.order = args.flag("keep") ? sluice::Order::keep : sluice::Order::automatic,
          .soft_timeout = std::chrono::milliseconds(number("soft-ms")),
          .process = {.timeout = std::chrono::milliseconds(number("timeout-ms")),
                      .attempts = static_cast<unsigned>(number("attempts")),
                      .memory_bytes = static_cast<std::uint64_t>(number("limit")),
                      .recycle_after = static_cast<std::size_t>(number("recycle"))},
          .on_error = policy(args)};
}

sluice::detail::KillManner manner_of(const std::string& name) {
  using sluice::detail::KillManner;
  return name == "stops"   ? KillManner::stops
         : name == "hangs" ? KillManner::hangs
                           : KillManner::dies;
}

void plan_kills(const Args& args) {
  if (args.flag("packets")) {
    sluice::detail::set_kind_of_runs(sluice::detail::ChannelPlan::Kind::packet);
  }
  const auto point = static_cast<sluice::detail::KillPoint>(args.number("kill-point"));
  sluice::detail::set_kill_plan({.point = point,
                                 .after = static_cast<std::uint64_t>(args.number("after")),
                                 .manner = manner_of(args.text("manner")),
                                 .again = args.flag("again")});
}

void parcels(Pipeline& p, const Args& args) {
  plan_kills(args);
  const auto count = static_cast<std::uint64_t>(args.number("count"));
  auto sent = p.source(
      "send", Source{.count = count, .size = static_cast<std::size_t>(args.number("size"))});
  auto worked =
      sent | sluice::stage("work",
                           Worker{.trouble = args.text("trouble"),
                                  .every = static_cast<std::uint64_t>(args.number("every")),
                                  .spin_us = static_cast<std::uint64_t>(args.number("spin-us"))},
                           work_options(args));
  if (args.flag("fan")) worked | sluice::sink("audit", [](const Parcel&) {});
  Sink sink;
  sink.seen.resize(count);
  sink.slow_ms = args.number("slow-ms");
  sink.enough = static_cast<std::uint64_t>(args.number("enough"));
  if (args.text("trouble") == "wait" || sink.enough > 0) share_arrivals();
  if (!args.flag("twice")) {
    worked | sluice::sink("receive", std::move(sink));
    return;
  }
  // A second stage that may have processes, which changes nothing.
  worked | sluice::map("check", [](Parcel parcel) { return parcel; }) |
      sluice::sink("receive", std::move(sink));
}

// Waits for lines of standard input; each goes through `work`.
void lines(Pipeline& p, const Args&) {
  struct Read {
    using Out = std::string;
    bool next(Emitter<std::string>& out) {
      char buffer[256];
      const ssize_t got = ::read(0, buffer, sizeof buffer);
      if (got <= 0) return false;
      out.emit(std::string(buffer, static_cast<std::size_t>(got)));
      return true;
    }
  };
  p.source("read", Read{}) | sluice::map("work", [](std::string line) {
    return std::to_string(::getpid()) + ' ' + line;
  }) | sluice::sink("print", [](const std::string& line) {
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
  });
}

std::vector<sluice::ArgSpec> parcel_args() {
  const auto integer = [](const char* name, const char* fallback) {
    return sluice::ArgSpec{
        .name = name, .kind = ArgKind::number, .help = name, .fallback = fallback};
  };
  return {
      integer("count", "1000"),
      integer("size", "40"),
      integer("every", "0"),
      integer("spin-us", "0"),
      integer("timeout-ms", "0"),
      integer("slow-ms", "0"),
      integer("attempts", "3"),
      integer("limit", "0"),
      integer("recycle", "0"),
      integer("kill-point", "0"),
      integer("after", "0"),
      integer("soft-ms", "0"),
      integer("enough", "0"),
      {.name = "trouble", .help = "what unlucky parcels do", .fallback = "none"},
      {.name = "policy", .help = "after a failure", .fallback = "fail"},
      {.name = "manner",
       .help = "at kill-point a process dies, stops or hangs",
       .fallback = "dies"},
      {.name = "again", .kind = ArgKind::flag, .help = "and so does its successor at its start"},
      {.name = "fan", .kind = ArgKind::flag, .help = "each output goes to a second sink, too"},
      {.name = "packets", .kind = ArgKind::flag, .help = "over the simple channel"},
      {.name = "keep", .kind = ArgKind::flag, .help = "order = keep"},
      {.name = "twice", .kind = ArgKind::flag, .help = "a second such stage"}};
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::main(
      argc, argv,
      {{.name = "parcels", .summary = "parcels", .args = parcel_args(), .build = parcels},
       {.name = "lines", .summary = "lines", .build = lines}},
      {.name_required = true});
}
