// tests/processes/bounds_program.cpp: loads of mixed sizes go send, work, check, receive; every queue between them is
// bounded in bytes, and the two stages in the middle may have processes.
//
// Load n has one output if n is even, else two, of its own size; every byte is a function of load, output and place.
// On standard output: "heaviest W" of what was sent, and "outputs A lost B doubled C corrupt D ordered E heaviest W"
// of what arrived, both as weight_of() counts.
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/shared_bytes.hpp>
#include <sluice/sluice.hpp>
#include <sluice/weight.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using sluice::ArgKind;
using sluice::Args;
using sluice::Context;
using sluice::Emitter;
using sluice::Pipeline;
using sluice::SharedBytes;

struct Load {
  std::uint64_t number = 0;
  std::uint32_t output = 0;
  std::string text{};   // the bytes are either here
  SharedBytes block{};  // or here
};

// ---- what is in a load -----------------------------------------------------------------------------

char byte_at(std::uint64_t number, std::uint32_t output, std::size_t place) {
  return static_cast<char>((number * 101 + output * 59 + place * 17 + (place >> 7U)) & 0xFFU);
}
std::uint32_t outputs_of(std::uint64_t number) {
  return 1 + static_cast<std::uint32_t>(number % 2);
}

/// Sizes of loads: most are a part of `usual`, one of 13 is `heavy`.
struct Sizes {
  std::size_t usual = 0;
  std::size_t heavy = 0;
  bool in_blocks = false;

  [[nodiscard]] std::size_t of(std::uint64_t number) const {
    return number % 13 == 7 ? heavy : number * 7919 % (usual + 1);
  }
  [[nodiscard]] Load make(std::uint64_t number, std::uint32_t output) const {
    Load load{.number = number, .output = output};
    const std::size_t size = of(number);
    if (in_blocks) {
      load.block = SharedBytes::make(size, [&](std::span<std::byte> to) {
        for (std::size_t i = 0; i < size; ++i) to[i] = std::byte(byte_at(number, output, i));
      });
    } else {
      load.text.resize(size);
      for (std::size_t i = 0; i < size; ++i) load.text[i] = byte_at(number, output, i);
    }
    return load;
  }
  [[nodiscard]] bool intact(const Load& load) const {
    const Load wanted = make(load.number, load.output);
    return load.text == wanted.text && load.block == wanted.block;
  }
};

// ---- stages ----------------------------------------------------------------------------------------

struct Send {
  using Out = Load;
  bool next(Emitter<Load>& out) {
    if (at == count) {
      std::printf("heaviest %zu\n", heaviest);
      return false;
    }
    Load load = sizes.make(at++, 0);
    heaviest = std::max(heaviest, sluice::weight_of(load));
    out.emit(std::move(load));
    return true;
  }
  Sizes sizes{};
  std::uint64_t count = 0;
  std::uint64_t at = 0;
  std::size_t heaviest = 0;
};

void spin(std::uint64_t us) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(us);
  while (std::chrono::steady_clock::now() < until) {
  }
}

struct Work {
  using Out = Load;
  void process(const Load& load, Emitter<Load>& out) const {
    if (!sizes.intact(load)) throw std::runtime_error("a load was damaged on its way");
    spin(spin_us);
    for (std::uint32_t i = 0; i < outputs_of(load.number); ++i)
      out.emit(sizes.make(load.number, i));
  }
  Sizes sizes{};
  std::uint64_t spin_us = 0;
};

struct Check {
  using Out = Load;
  void process(const Load& load, Emitter<Load>& out) const {
    if (!sizes.intact(load)) throw std::runtime_error("a load was damaged on its way");
    out.emit(load);
  }
  Sizes sizes{};
};

struct Receive {
  void process(const Load& load) {
    heaviest = std::max(heaviest, sluice::weight_of(load));
    const std::uint64_t place = load.number * 2 + load.output;
    if (place >= seen.size() || load.output >= outputs_of(load.number) || !sizes.intact(load)) {
      ++corrupt;
      return;
    }
    ++outputs;
    doubled += seen[place] ? 1 : 0;
    seen[place] = true;
    ordered = ordered && place >= last;
    last = place;
  }
  void finish() const {
    std::uint64_t lost = 0;
    for (std::uint64_t place = 0; place < seen.size(); ++place) {
      lost += place % 2 < outputs_of(place / 2) && !seen[place] ? 1 : 0;
    }
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("outputs %llu lost %llu doubled %llu corrupt %llu ordered %d heaviest %zu\n",
                number(outputs), number(lost), number(doubled), number(corrupt), ordered ? 1 : 0,
                heaviest);
    std::fflush(stdout);
  }
  Sizes sizes{};
  std::vector<bool> seen{};
  std::uint64_t outputs = 0;
  std::uint64_t doubled = 0;
  std::uint64_t corrupt = 0;
  std::uint64_t last = 0;
  bool ordered = true;
  std::size_t heaviest = 0;
};

// ---- the pipeline ----------------------------------------------------------------------------------

void loads(Pipeline& p, const Args& args) {
  const Sizes sizes{
      .usual = args.size("usual"), .heavy = args.size("heavy"), .in_blocks = args.flag("blocks")};
  const auto count = args.number("count");
  const sluice::StageOptions options{
      .order = args.flag("keep") ? sluice::Order::keep : sluice::Order::automatic,
      .capacity_bytes = args.size("bound")};
  Receive receive{.sizes = sizes};
  receive.seen.resize(count * 2);
  p.source("send", Send{.sizes = sizes, .count = count}) |
      sluice::stage("work", Work{.sizes = sizes, .spin_us = args.number("spin-us")}, options) |
      sluice::stage("check", Check{.sizes = sizes}, options) |
      sluice::sink("receive", std::move(receive), {.capacity_bytes = args.size("bound")});
}

std::vector<sluice::ArgSpec> load_args() {
  const auto made = [](const char* name, ArgKind kind, const char* fallback) {
    return sluice::ArgSpec{.name = name, .kind = kind, .help = name, .fallback = fallback};
  };
  return {made("count", ArgKind::number, "1000"),
          made("usual", ArgKind::size, "4K"),
          made("heavy", ArgKind::size, "8K"),
          made("bound", ArgKind::size, "64K"),
          made("spin-us", ArgKind::number, "0"),
          {.name = "blocks", .kind = ArgKind::flag, .help = "the bytes are SharedBytes"},
          {.name = "keep", .kind = ArgKind::flag, .help = "order = keep"}};
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::main(argc, argv,
                      {{.name = "loads", .summary = "loads", .args = load_args(), .build = loads}},
                      {.name_required = true});
}
