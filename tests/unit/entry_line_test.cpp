// tests/unit/entry_line_test.cpp: names that people can read and can't mistake.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_index.hpp>
#include <entry_line.hpp>

#include <set>
#include <string>
#include <utility>

namespace {

using namespace sluice::samples;

ArchiveContents contents_of(const ArchiveIndex& index) {
  ByteBuffer raw;
  raw.append(index.encode());
  return {std::move(raw), kHeadBytes, "an archive"};
}

// The line of an entry that is added last.
std::string line_of(NewEntry entry) {
  ArchiveIndex index;
  const NewEntry first{.path = "a", .attributes = {.mode = 0644}};
  REQUIRE(index.add(first).refusal.empty());
  REQUIRE(index.add(std::move(entry)).refusal.empty());
  const ArchiveContents contents = contents_of(index);
  return entry_line(listed_entry(contents, contents.entries().size() - 1));
}

EntryAttributes attributes(std::uint32_t mode, std::int64_t seconds = 0) {
  return {.mode = mode, .modified = {.seconds = seconds, .nanoseconds = 999'999'999}};
}

}  // namespace

TEST_CASE("shown_name: text stays as it is", "[pack]") {
  for (const char* name : {"", "a", "dir/file.txt", "two words",
                           "Gr\xc3\xbc\xc3\x9f"
                           "e",
                           "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "'\"$`|<>", "a->b"}) {
    CHECK(shown_name(name) == name);
  }
}

TEST_CASE("shown_name: what does not print is escaped", "[pack]") {
  using Pair = std::pair<std::string, std::string>;
  for (const auto& [name, shown] : {Pair{"a\nb", "a\\nb"},
                                    Pair{"\t", "\\t"},
                                    Pair{"\\", "\\\\"},
                                    Pair{"\x1b[31m", "\\033[31m"},
                                    Pair{"\x7f", "\\177"},
                                    Pair{"\xff\xfe", "\\377\\376"},
                                    Pair{"\xc3", "\\303"},
                                    Pair{"\xc0\xaf", "\\300\\257"},
                                    Pair{"\xed\xa0\x80", "\\355\\240\\200"},
                                    Pair{"\xf4\x90\x80\x80", "\\364\\220\\200\\200"},
                                    Pair{"\xe0\x80\x80", "\\340\\200\\200"},
                                    Pair{"\xe2\x80\xae"
                                         "x",
                                         "\\342\\200\\256x"},  // turns what follows around
                                    Pair{"\xc2\x85", "\\302\\205"},
                                    Pair{"\xc2\xa0", "\\302\\240"},
                                    Pair{"\xef\xbb\xbf", "\\357\\273\\277"},
                                    Pair{"\xef\xbf\xbe", "\\357\\277\\276"},
                                    Pair{" a ", "\\040a\\040"},
                                    Pair{" ", "\\040"},
                                    Pair{"a -> b", "a\\040-> b"},
                                    Pair{"a link to b", "a\\040link to b"},
                                    Pair{"a -", "a -"}}) {
    CHECK(shown_name(name) == shown);
  }
}

TEST_CASE("shown_name: different names have different texts", "[pack]") {
  std::set<std::string> texts;
  std::size_t names = 0;
  for (int first = 1; first < 256; ++first) {
    for (int second = 1; second < 256; ++second) {
      const std::string name{static_cast<char>(first), static_cast<char>(second)};
      texts.insert(shown_name(name));
      ++names;
    }
  }
  for (const char* name : {"\\n", "\\012", "\\\\", "\\\\n", "\\040", "\\303\\274"}) {
    texts.insert(shown_name(name));
    ++names;
  }
  texts.erase(shown_name("\\n"));  // of two bytes: among the pairs already
  texts.erase(shown_name("\\\\"));
  CHECK(texts.size() == names - 4);
}

TEST_CASE("entry_line: kind, permissions, size, time in UTC, path, and where it leads", "[pack]") {
  CHECK(line_of({.path = "b", .attributes = attributes(0640, 1'700'000'000)}) ==
        "-rw-r-----            0 2023-11-14 22:13:20 b");
  CHECK(line_of({.kind = EntryKind::directory, .path = "d", .attributes = attributes(01755, -1)}) ==
        "drwxr-xr-t            0 1969-12-31 23:59:59 d/");
  CHECK(line_of({.kind = EntryKind::symlink,
                 .path = "x/l",
                 .attributes = attributes(0777),
                 .target = "../\n"}) ==
        "lrwxrwxrwx            0 1970-01-01 00:00:00 x/l -> ../\\n");
  CHECK(line_of({.kind = EntryKind::hard_link,
                 .path = "h",
                 .attributes = attributes(06711),
                 .link_to = 1}) == "hrws--s--x            0 1970-01-01 00:00:00 h link to a");
  CHECK(line_of({.path = "s", .attributes = attributes(07000)}) ==
        "---S--S--T            0 1970-01-01 00:00:00 s");
}

TEST_CASE("entry_line: a time that no calendar holds is told in seconds", "[pack]") {
  constexpr std::int64_t kMost = 0x7fff'ffff'ffff'ffff;
  CHECK(line_of({.path = "t", .attributes = attributes(0, 253'402'300'799)}) ==
        "----------            0 9999-12-31 23:59:59 t");
  CHECK(line_of({.path = "t", .attributes = attributes(0, 253'402'300'800)}) ==
        "----------            0 @253402300800       t");
  CHECK(line_of({.path = "t", .attributes = attributes(0, kMost)}) ==
        "----------            0 @9223372036854775807 t");
  CHECK(line_of({.path = "t", .attributes = attributes(0, -kMost - 1)}) ==
        "----------            0 @-9223372036854775808 t");
}

TEST_CASE("entry_line: what is not known of an implied directory is not made up", "[pack]") {
  ArchiveIndex index;
  REQUIRE(index.add({.path = "x/y", .attributes = attributes(0600)}).refusal.empty());
  const ArchiveContents contents = contents_of(index);
  CHECK(entry_line(listed_entry(contents, 0)) == "d?????????            0 -                   ./");
  CHECK(entry_line(listed_entry(contents, 1)) == "d?????????            0 -                   x/");
}
