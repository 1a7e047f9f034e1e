// tests/unit/tree_walk_test.cpp: what a walk finds, in which order, and what it calls it.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <tree_walk.hpp>

#include <sluice/os/inode.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;

struct Walked {
  std::vector<TreeEntry> entries;
  std::vector<std::string> stored;  // of the entries; a directory's with a slash
  std::vector<std::string> skipped;
  std::vector<std::string> notes;
};

Walked walked(std::vector<std::string> roots,
              std::vector<sluice::detail::FileIdentity> left_out = {}) {
  Walked all;
  TreeWalk walk(std::move(roots), std::move(left_out));
  for (;;) {
    TreeWalk::Found found = walk.next();
    if (found.kind == TreeWalk::Kind::end) break;
    if (found.kind == TreeWalk::Kind::entry) {
      const bool is_directory = found.entry.kind == EntryKind::directory;
      all.stored.push_back(found.entry.stored + (is_directory ? "/" : ""));
      all.entries.push_back(std::move(found.entry));
    } else {
      auto& list = found.kind == TreeWalk::Kind::note ? all.notes : all.skipped;
      list.push_back(found.subject + ": " + found.words);
    }
  }
  CHECK(walk.next().kind == TreeWalk::Kind::end);
  return all;
}

// A root of this name below the scratch directory, stored under the name alone.
std::string bare(const Scratch& scratch, const std::string& name) {
  return scratch / ".." + '/' + fs::path(scratch.path()).filename().string() + "/x/../" + name;
}

}  // namespace

TEST_CASE("stored_path: what tar does with a path", "[pack]") {
  const auto both = [](std::string_view given) {
    StoredPath path = stored_path(given);
    return std::pair(path.stored, path.removed);
  };
  using Both = std::pair<std::string, std::string>;
  CHECK(both("a/b") == Both("a/b", ""));
  CHECK(both("./a//b/./c/") == Both("a/b/c", ""));
  CHECK(both("/etc/passwd") == Both("etc/passwd", "/"));
  CHECK(both("//etc") == Both("etc", "/"));
  CHECK(both("../x") == Both("x", "../"));
  CHECK(both("a/../../b/c") == Both("b/c", "a/../../"));
  CHECK(both("/a/../b") == Both("b", "/a/../"));
  CHECK(both(".") == Both("", ""));
  CHECK(both("") == Both("", ""));
  CHECK(both("..") == Both("", ".."));
  CHECK(both("a/..") == Both("", "a/.."));
  CHECK(both("/") == Both("", "/"));
  CHECK(both("..a/b..") == Both("..a/b..", ""));
  CHECK(both("...") == Both("...", ""));
}

TEST_CASE("TreeWalk: finds everything, in the byte order of paths", "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  fs::create_directory(scratch / "x");
  std::vector<std::string> expected{"in/"};
  for (const char* name :
       {"a/b", "a.txt", "a-b/c", "a0", "b/a/b/c", "b/a.b", "b/a b", "Z", "\xff"}) {
    scratch.file("in/" + std::string(name), "x");
  }
  for (int i = 0; i < 100; ++i) {
    std::string name = "in/r";
    for (std::uint64_t depth = random() % 4; depth > 0; --depth) {
      name += "/d" + std::to_string(random() % 5);
    }
    scratch.file(name + "/f" + std::to_string(i), "");
  }
  fs::create_directories(scratch / "in/empty/deep");
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "in")) {
    expected.push_back(entry.path().lexically_relative(scratch.path()).string() +
                       (entry.is_directory() ? "/" : ""));
  }
  std::sort(expected.begin(), expected.end());
  const Walked all = walked({bare(scratch, "in")});
  CHECK(all.stored == expected);
  CHECK(all.skipped.empty());
  for (std::size_t i = 0; i < all.entries.size(); ++i) CHECK(all.entries[i].number == i);
}

TEST_CASE("TreeWalk: links are entries, given or found, and never followed", "[pack]") {
  const Scratch scratch;
  scratch.file("x/file", "x");
  fs::create_directory_symlink(scratch / "x", scratch / "x/to_itself");
  fs::create_symlink("nowhere", scratch / "x/dangling");
  fs::create_directory_symlink("x", scratch / "given");
  const Walked all = walked({bare(scratch, "given/"), bare(scratch, "x")});
  CHECK(all.stored ==
        std::vector<std::string>{"given", "x/", "x/dangling", "x/file", "x/to_itself"});
  CHECK(all.entries[0].kind == EntryKind::symlink);
  CHECK(all.entries[0].target == "x");
  CHECK(all.entries[2].target == "nowhere");
  CHECK(all.entries[4].target == scratch / "x");
}

TEST_CASE("TreeWalk: the second name of a file is a hard link to the first", "[pack]") {
  const Scratch scratch;
  scratch.file("x/b", "x");
  fs::create_hard_link(scratch / "x/b", scratch / "x/a");
  fs::create_hard_link(scratch / "x/b", scratch / "other");
  scratch.file("x/c", "x");
  const Walked all = walked({bare(scratch, "x"), bare(scratch, "other")});
  REQUIRE(all.stored == std::vector<std::string>{"x/", "x/a", "x/b", "x/c", "other"});
  CHECK(all.entries[1].kind == EntryKind::file);
  CHECK(all.entries[2].kind == EntryKind::hard_link);
  CHECK(all.entries[2].link_to == 1);
  CHECK(all.entries[3].kind == EntryKind::file);
  CHECK(all.entries[4].link_to == 1);
}

TEST_CASE("TreeWalk: sockets, FIFOs and devices are skipped and named", "[pack]") {
  const Scratch scratch;
  scratch.fifo("fifo");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(socket >= 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (scratch / "socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);
  const Walked all = walked({scratch.path(), "/dev/null"});
  CHECK(all.entries.size() == 1);
  CHECK(all.skipped ==
        std::vector<std::string>{
            scratch / "fifo: it is a FIFO; only files, directories and links are stored",
            scratch / "socket: it is a socket; only files, directories and links are stored",
            "/dev/null: it is a device; only files, directories and links are stored"});
}

TEST_CASE("TreeWalk: says what it leaves out of a path, once for each path given", "[pack]") {
  const Scratch scratch;
  scratch.file("x/file", "x");
  const Walked all = walked({scratch / "x", scratch / "x/../x/file"});
  CHECK(all.stored.back() == "x/file");
  CHECK(all.notes ==
        std::vector<std::string>{
            scratch / "x: stored as " + scratch.path().substr(1) + "/x, without the leading /",
            scratch / "x/../x/file: stored as x/file, without the leading " + scratch / "x/../"});
}

TEST_CASE("TreeWalk: a path given twice, or below another one, is stored once", "[pack]") {
  const Scratch scratch;
  scratch.file("x/d/file", "x");
  const std::string root = scratch / "x";
  const Walked all = walked({root + "/d/file", root + "/d/", root, root + "/./d//", root});
  CHECK(all.entries.size() == 3);
  CHECK(all.notes.size() == 5);
  CHECK(std::count(all.notes.begin(), all.notes.end(),
                   root + "/d: given twice: it is stored with " + root) == 2);
}

TEST_CASE("TreeWalk: what can't be read is told, and the rest goes on", "[pack]") {
  const Scratch scratch;
  scratch.file("x/a", "x");
  scratch.file("x/b/inside", "x");
  const std::string missing = scratch / "missing";
  const Walked all = walked({missing, scratch / "x/a"});
  CHECK(all.entries.size() == 1);
  CHECK(all.skipped ==
        std::vector<std::string>{missing + ": cannot open: No such file or directory (errno 2)"});
  TreeWalk walk({scratch / "x"});
  CHECK(walk.next().kind == TreeWalk::Kind::note);
  CHECK(walk.next().entry.path == scratch / "x");
  CHECK(walk.next().entry.path == scratch / "x/a");
  fs::remove_all(scratch / "x/b");
  const TreeWalk::Found gone = walk.next();
  CHECK(gone.kind == TreeWalk::Kind::skipped);
  CHECK(gone.subject == scratch / "x/b");
  CHECK(walk.next().kind == TreeWalk::Kind::end);
}

TEST_CASE("TreeWalk: a directory swapped for a link meanwhile is not entered", "[pack]") {
  const Scratch scratch;
  const Scratch elsewhere;
  elsewhere.file("inside", "x");
  scratch.file("x/a", "x");
  scratch.file("x/b/c", "x");
  TreeWalk walk({scratch / "x"});
  for (int i = 0; i < 3; ++i) CHECK(walk.next().kind != TreeWalk::Kind::end);
  fs::remove_all(scratch / "x/b");
  fs::create_directory_symlink(elsewhere.path(), scratch / "x/b");
  const TreeWalk::Found swapped = walk.next();
  CHECK(swapped.kind == TreeWalk::Kind::entry);
  CHECK(swapped.entry.kind == EntryKind::symlink);
  CHECK(walk.next().kind == TreeWalk::Kind::end);
}

TEST_CASE("TreeWalk: the archive being written is no part of the tree", "[pack]") {
  const Scratch scratch;
  scratch.file("a", "x");
  const std::string archive = scratch.file("archive", "x");
  const Walked all = walked({scratch.path()}, {sluice::detail::inode_of(archive).identity});
  CHECK(all.entries.size() == 2);
  CHECK(all.entries[1].path == scratch / "a");
  CHECK(all.skipped.empty());
}
