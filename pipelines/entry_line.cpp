// pipelines/entry_line.cpp
// SPDX-License-Identifier: MIT
#include <entry_line.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdint>
#include <ctime>
#include <iterator>

namespace sluice::samples {
namespace {

// What begins a text: how many bytes, and which character; no bytes when they are no UTF-8.
struct Character {
  std::size_t bytes = 0;
  char32_t code = 0;
};

Character first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {.bytes = 1, .code = lead};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  char32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // of that many bytes
  if (code < kLeast[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {.bytes = size, .code = code};
}

// Controls, blanks of no width, what separates lines or sets the direction, and no characters.
bool is_plain(char32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad) return false;
  if (code == 0x61c || code == 0x180e || code == 0xfeff) return false;
  if ((code >= 0x2000 && code <= 0x200f) || (code >= 0x2028 && code <= 0x202f)) return false;
  if (code >= 0x205f && code <= 0x206f) return false;
  if (code >= 0xfff0 && code <= 0xfffb) return false;
  if (code >= 0xe000 && code <= 0xf8ff) return false;
  return code < 0xe0000 && (code & 0xfffeU) != 0xfffe;
}

bool is_doubtful_blank(std::string_view text, std::size_t at) noexcept {
  if (text[at] != ' ') return false;
  const std::string_view behind = text.substr(at + 1);
  return at == 0 || behind.empty() || behind.starts_with("-> ") || behind.starts_with("link to ");
}

void append_escaped(std::string& to, char byte) {
  switch (byte) {
    case '\n':
      to += "\\n";
      break;
    case '\t':
      to += "\\t";
      break;
    case '\\':
      to += "\\\\";
      break;
    default:
      fmt::format_to(std::back_inserter(to), "\\{:03o}", static_cast<unsigned char>(byte));
  }
}

std::string mode_text(EntryKind kind, std::uint32_t mode) {
  constexpr std::string_view kKinds = "dd-lh";
  std::string text(1, kKinds[static_cast<std::size_t>(kind)]);
  if (kind == EntryKind::implied_directory) return text + "?????????";
  for (unsigned bit = 9; bit-- > 0;) {
    text.push_back((mode >> bit & 1U) != 0 ? "xwr"[bit % 3] : '-');
  }
  const auto special = [&](std::uint32_t bit, std::size_t at, char with, char without) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with : without;
  };
  special(04000, 3, 's', 'S');
  special(02000, 6, 's', 'S');
  special(01000, 9, 't', 'T');
  return text;
}

// What no calendar holds is told in seconds.
std::string time_text(const ListedEntry& entry) {
  if (entry.kind == EntryKind::implied_directory) return fmt::format("{:19}", "-");
  const std::int64_t seconds = entry.attributes.modified.seconds;
  constexpr std::int64_t kYear0 = -62'167'219'200;
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  if (seconds < kYear0 || seconds >= kYear10000)
    return fmt::format("{:19}", fmt::format("@{}", seconds));
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace

std::string shown_name(std::string_view name) {
  std::string shown;
  for (std::size_t at = 0; at < name.size();) {
    const Character next = first_character(name.substr(at));
    if (next.bytes > 0 && next.code != '\\' && is_plain(next.code) &&
        !is_doubtful_blank(name, at)) {
      shown.append(name.substr(at, next.bytes));
      at += next.bytes;
    } else {
      append_escaped(shown, name[at++]);
    }
  }
  return shown;
}

ListedEntry listed_entry(const ArchiveContents& contents, std::size_t number) {
  const ArchiveEntry& entry = contents.entries()[number];
  ListedEntry listed{.kind = entry.kind,
                     .attributes = entry.attributes,
                     .size_bytes = entry.size_bytes,
                     .path = contents.path(number)};
  if (entry.kind == EntryKind::symlink) listed.leads_to = entry.target;
  if (entry.kind == EntryKind::hard_link) listed.leads_to = contents.path(entry.link_to);
  return listed;
}

std::string entry_line(const ListedEntry& entry) {
  std::string line =
      fmt::format("{} {:>12} {} {}", mode_text(entry.kind, entry.attributes.mode), entry.size_bytes,
                  time_text(entry), entry.path.empty() ? std::string(".") : shown_name(entry.path));
  switch (entry.kind) {
    case EntryKind::implied_directory:
    case EntryKind::directory:
      return line + '/';
    case EntryKind::symlink:
      return line + " -> " + shown_name(entry.leads_to);
    case EntryKind::hard_link:
      return line + " link to " + shown_name(entry.leads_to);
    case EntryKind::file:
      break;
  }
  return line;
}

}  // namespace sluice::samples
