// tests/processes/blocks_program.cpp: crates with large payloads go source, pack, check, receive; the two in
// the middle may have processes. Every byte is a function of crate and place.
//
// The last lines on standard output: "crates A lost B doubled C corrupt D", and what the parent has done with
// payloads in files, "written A received B lent C fetched D mapped E". Exit code 99 if descriptors or mappings
// are left when the run has ended.
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/process/block_file.hpp>
#include <sluice/process/kill_point.hpp>
#include <sluice/shared_bytes.hpp>
#include <sluice/sluice.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
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

struct Crate {
  std::uint64_t number = 0;
  std::uint32_t stage = 0;  // how many have worked on it
  SharedBytes bytes{};
};

// Words that are a function of crate, stage and place; the rest of the last one, too.
std::uint64_t word_at(std::uint64_t number, std::uint32_t stage, std::size_t place) {
  return (number * 31 + stage + 1) * 0x9e3779b97f4a7c15U + place * 0xff51afd7ed558ccdU;
}
SharedBytes content(std::uint64_t number, std::uint32_t stage, std::size_t size) {
  return SharedBytes::make(size, [&](std::span<std::byte> to) {
    for (std::size_t at = 0; at < size; at += 8) {
      const std::uint64_t word = word_at(number, stage, at);
      std::memcpy(to.data() + at, &word, std::min<std::size_t>(8, size - at));
    }
  });
}
bool intact(const Crate& crate) {
  const std::byte* const bytes = crate.bytes.data();
  const std::size_t size = crate.bytes.size();
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = word_at(crate.number, crate.stage, at);
    if (std::memcmp(bytes + at, &word, std::min<std::size_t>(8, size - at)) != 0) return false;
  }
  return true;
}

// Around the size from which on payloads go by reference.
std::size_t size_of(std::uint64_t number, std::size_t size) {
  if (size != 0) return size;
  constexpr std::size_t kThreshold = std::size_t{16} << 10;
  const std::size_t sizes[] = {0, 1, kThreshold - 1, kThreshold, kThreshold + 1, 100'000, 1 << 20};
  return sizes[number % std::size(sizes)];
}

struct Source {
  using Out = Crate;
  bool next(Emitter<Crate>& out) {
    if (at == count) return false;
    SharedBytes bytes = content(at, 0, size_of(at, size));
    if (sliced && !bytes.empty()) {  // a part in the middle of something larger
      const SharedBytes larger =
          SharedBytes::make(bytes.size() + 100, [&](std::span<std::byte> to) {
            std::fill(to.begin(), to.end(), std::byte{7});
            std::copy(bytes.span().begin(), bytes.span().end(), to.begin() + 60);
          });
      bytes = larger.slice(60, bytes.size());
    }
    out.emit({.number = at, .bytes = std::move(bytes)});
    ++at;
    return true;
  }
  std::uint64_t count = 0;
  std::size_t size = 0;
  bool sliced = false;
  std::uint64_t at = 0;
};

// Puts a descriptor of its own in the way of the first file that this process will send.
void send_wrong_file(const std::string& trouble) {
  int wrong = -1;
  if (trouble == "pipe") {
    int ends[2];
    if (::pipe(ends) == 0) wrong = ends[0];
  } else {
    wrong = ::memfd_create("wrong", MFD_ALLOW_SEALING);
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::ftruncate(wrong, 4096) != 0) return;
    if (trouble == "short" &&
        (::posix_fallocate(wrong, 0, 4096) != 0 || ::fcntl(wrong, F_ADD_SEALS, seals) != 0)) {
      return;
    }
  }
  std::uint64_t notice[2] = {0x6b636f6c42654376, 1};
  iovec part = {.iov_base = notice, .iov_len = sizeof notice};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* const control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(control), &wrong, sizeof wrong);
  for (int number = 3; number < 64; ++number) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) {
      static_cast<void>(::sendmsg(number, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
    }
  }
}

struct Pack {
  using Out = Crate;
  void start(Context& given) { context = &given; }
  void process(const Crate& crate, Emitter<Crate>& out) {
    if (!intact(crate)) throw std::runtime_error("a crate was damaged on its way");
    const bool unlucky = every != 0 && crate.number % every == 0;
    if (unlucky && trouble == "throw") throw std::runtime_error("an unlucky crate");
    if (unlucky && trouble == "abort") std::abort();
    if (unlucky && trouble == "once" && context->attempt() == 1) std::abort();
    if (unlucky && (trouble == "pipe" || trouble == "short" || trouble == "unsealed")) {
      send_wrong_file(trouble);
    }
    SharedBytes bytes = content(crate.number, crate.stage + 1, crate.bytes.size());
    for (std::uint32_t copy = 1; copy < copies; ++copy) {
      out.emit({.number = crate.number, .stage = crate.stage + 1, .bytes = bytes});
    }
    out.emit({.number = crate.number, .stage = crate.stage + 1, .bytes = std::move(bytes)});
  }
  std::string trouble{};
  std::uint64_t every = 0;
  std::uint32_t copies = 1;
  Context* context = nullptr;
};

struct Check {
  using Out = Crate;
  void process(const Crate& crate, Emitter<Crate>& out) const {
    if (!intact(crate)) throw std::runtime_error("a crate was damaged on its way");
    out.emit(crate);
  }
};

struct Receive {
  void process(const Crate& crate) {
    if (crate.number >= seen.size() || crate.stage != 1 ||
        crate.bytes.size() != size_of(crate.number, size) || (looks && !intact(crate))) {
      ++corrupt;
      return;
    }
    ++seen[crate.number];
    ++crates;
  }
  void finish() const {
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
    for (const std::uint32_t times : seen) {
      lost += times < copies ? copies - times : 0;
      doubled += times > copies ? times - copies : 0;
    }
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("crates %llu lost %llu doubled %llu corrupt %llu\n", number(crates), number(lost),
                number(doubled), number(corrupt));
    const sluice::detail::BlockCounts counts = sluice::detail::block_counts();
    std::printf("written %llu received %llu lent %llu fetched %llu mapped %llu\n",
                number(counts.written), number(counts.received), number(counts.lent),
                number(counts.fetched), number(counts.mapped));
    std::fflush(stdout);
  }
  std::vector<std::uint32_t> seen{};
  std::size_t size = 0;
  std::uint32_t copies = 1;
  bool looks = true;
  std::uint64_t crates = 0;
  std::uint64_t corrupt = 0;
};

void crates(Pipeline& p, const Args& args) {
  sluice::detail::set_kill_plan(
      {.point = static_cast<sluice::detail::KillPoint>(args.number("kill-point")),
       .after = static_cast<std::uint64_t>(args.number("after"))});
  const auto count = static_cast<std::uint64_t>(args.number("count"));
  const auto size = static_cast<std::size_t>(args.number("size"));
  const auto copies = static_cast<std::uint32_t>(args.number("copies"));
  const sluice::ProcessOptions process{.attempts = static_cast<unsigned>(args.number("attempts"))};
  Receive receive;
  receive.seen.resize(count);
  receive.size = size;
  receive.copies = copies;
  receive.looks = !args.flag("unseen");
  p.source("send", Source{.count = count, .size = size, .sliced = args.flag("sliced")}) |
      sluice::stage("pack",
                    Pack{.trouble = args.text("trouble"),
                         .every = static_cast<std::uint64_t>(args.number("every")),
                         .copies = copies},
                    {.capacity = 8,
                     .batch = 8,
                     .process = process,
                     .on_error = args.flag("retry") ? sluice::retry(2, std::chrono::milliseconds(1))
                                                          .then(sluice::dead_letter("unlucky"))
                                                    : sluice::fail_run()}) |
      sluice::stage("check", Check(), {.capacity = 8, .batch = 8, .process = process}) |
      sluice::sink("receive", std::move(receive), {.capacity = 8});
}

struct Left {
  std::size_t descriptors = 0;
  std::size_t mappings = 0;
  friend bool operator==(const Left&, const Left&) = default;
};
Left count_left() {
  namespace fs = std::filesystem;
  Left left;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++left.descriptors;
  }
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    left.mappings += line.find("memfd:") != std::string::npos ? 1 : 0;
  }
  return left;
}

std::vector<sluice::ArgSpec> crate_args() {
  const auto integer = [](const char* name, const char* fallback) {
    return sluice::ArgSpec{
        .name = name, .kind = ArgKind::number, .help = name, .fallback = fallback};
  };
  const auto flag = [](const char* name) {
    return sluice::ArgSpec{.name = name, .kind = ArgKind::flag, .help = name};
  };
  return {integer("count", "70"),
          integer("size", "0"),
          integer("copies", "1"),
          integer("attempts", "3"),
          integer("kill-point", "0"),
          integer("after", "0"),
          integer("every", "0"),
          {.name = "trouble", .help = "what unlucky crates do", .fallback = "none"},
          flag("unseen"),
          flag("sliced"),
          flag("retry")};
}

}  // namespace

int main(int argc, char** argv) {
  const Left before = count_left();
  const int code = sluice::main(
      argc, argv, {{.name = "crates", .summary = "crates", .args = crate_args(), .build = crates}},
      {.name_required = true});
  const Left after = count_left();
  if (before == after) return code;
  std::fprintf(stderr, "left: descriptors %zu, %zu before; mappings %zu, %zu before\n",
               after.descriptors, before.descriptors, after.mappings, before.mappings);
  return 99;
}
