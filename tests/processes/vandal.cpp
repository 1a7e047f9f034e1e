// tests/processes/vandal.cpp
// SPDX-License-Identifier: MIT
#include <processes/vandal.hpp>

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace sluice::testing_support {
namespace {

constexpr int kFirst = 3;
constexpr int kLast = 255;

struct Mapping {
  std::span<std::byte> bytes;
  std::string access;
  std::string file;
};

std::vector<Mapping> shared_mappings() {
  std::vector<Mapping> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, access) != 3) continue;
    if (access[3] != 's' || line.find("memfd:sluice") == line.npos) continue;
    found.push_back({.bytes = {reinterpret_cast<std::byte*>(from), to - from},
                     .access = access,
                     .file = line.substr(line.find("/memfd"))});
  }
  return found;
}

void spoil(std::span<std::byte> bytes, std::uint64_t kind) {
  if (kind < 2) {
    std::memset(bytes.data(), kind == 0 ? 0 : 0xFF, bytes.size());
    return;
  }
  std::mt19937_64 random(kind);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
}

}  // namespace

void scribble_over_own_log(std::uint64_t kind) {
  for (const Mapping& mapping : shared_mappings()) {
    if (mapping.access[1] == 'w') spoil(mapping.bytes, kind);
  }
}

void rampage() {
  for (const Mapping& mapping : shared_mappings()) {
    if (mapping.access[1] != 'w') {
      if (::mprotect(mapping.bytes.data(), mapping.bytes.size(), PROT_READ | PROT_WRITE) != 0) {
        continue;
      }
      std::fprintf(stderr, "a wall is missing: %s\n", mapping.file.c_str());
    }
    spoil(mapping.bytes, 77);
  }
  const std::uint64_t many = 0x7F7F7F7F7F7F7F7F;
  std::vector<std::byte> garbage(4096, std::byte{0x7F});
  for (int number = kFirst; number <= kLast; ++number) {
    static_cast<void>(::send(number, garbage.data(), garbage.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    static_cast<void>(::write(number, &many, sizeof many) != 0);
    static_cast<void>(::ftruncate(number, 0) != 0);
    static_cast<void>(::shutdown(number, SHUT_RDWR));
  }
}

}  // namespace sluice::testing_support
