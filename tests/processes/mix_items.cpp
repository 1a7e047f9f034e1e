// tests/processes/mix_items.cpp
// SPDX-License-Identifier: MIT
#include <processes/mix_items.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace sluice::testing_support {
namespace {

// So that a kill meets an item at work now and then.
constexpr std::chrono::microseconds kWork{30};

void spin() {
  const auto until = std::chrono::steady_clock::now() + kWork;
  while (std::chrono::steady_clock::now() < until) {
  }
}

std::uint64_t digest(std::string_view bytes) noexcept {
  std::uint64_t sum = bytes.size();
  for (const char c : bytes) sum = sum * 1099511628211U + static_cast<unsigned char>(c);
  return sum;
}

std::string bytes_of(std::uint64_t number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((number * 37 + i * 11 + (i >> 8U)) & 0xFFU);
  }
  return bytes;
}

}  // namespace

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t x = a * 0x9e3779b97f4a7c15U + b + 0x7f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

std::string subject_of(const MixItem& item) { return line_of(item); }

std::string line_of(const MixItem& item) {
  std::string line;
  const std::span<const std::byte> block = item.block.span();
  for (const std::uint64_t part :
       {item.number, item.value, std::uint64_t{item.way}, std::uint64_t{item.round},
        digest(item.text), digest({reinterpret_cast<const char*>(block.data()), block.size()})}) {
    line += std::to_string(part) + ' ';
  }
  return line;
}

bool MixSource::next(Emitter<MixItem>& out) {
  if (at == count) return false;
  MixItem item{.number = at, .value = mixed(at, 1)};
  const bool is_large = large && at % 10 == 3;
  item.text = bytes_of(at, is_large && at % 20 == 3 ? 15'000 + at % 40'000 : item.value % 90);
  if (is_large && at % 20 != 3) {
    const std::string bytes = bytes_of(at + 1, 16'000 + at * 97 % 60'000);
    item.block = SharedBytes::copy_of(std::as_bytes(std::span(bytes)));
  }
  out.emit(std::move(item));
  ++at;
  return true;
}

void MixStep::process(const MixItem& item, Emitter<MixItem>& out) const {
  spin();
  const std::uint64_t chance = mixed(item.value, salt);
  if (kind == Kind::filter && chance % 4 == 0) return;
  if (kind == Kind::retried && chance % 5 == 0 && context->attempt() <= 1 + chance % 2) {
    throw std::runtime_error("not yet");
  }
  if (kind == Kind::buried && chance % 8 == 0) throw std::runtime_error("never");
  const std::uint64_t outputs = kind == Kind::several ? chance % 3 : 1;
  for (std::uint64_t i = 0; i < outputs; ++i) {
    MixItem made = item;
    made.value = mixed(chance, i);
    if (kind == Kind::turn) ++made.round;
    if (kind == Kind::arm) made.way = made.way * 4 + static_cast<std::uint32_t>(salt % 4);
    out.emit(std::move(made));
  }
}

void MixSink::process(const MixItem& item) {
  lines += name;
  if (order != MixOrder::none) lines += " way " + std::to_string(item.way);
  if (order == MixOrder::per_key) lines += " key " + std::to_string(key_of(item));
  lines += order == MixOrder::none ? "|any|" : "|in order|";
  lines += line_of(item) + '\n';
}

void MixSink::finish() const {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

}  // namespace sluice::testing_support
