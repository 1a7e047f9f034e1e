// bench/versus_duplicates.cpp: the packaged find_duplicates beside jdupes and fdupes.
//
//   /usr/share and /usr/lib as they are -> groups of equal files
//
// Question: is it at least as fast as the faster of both, with a warm page cache and with an empty one (asked
// for where this program may empty it)? Items are files, empty ones left out by all. Every run's output must
// be the first run's; those of the programs are compared with each other, with lines sorted, since each has an
// order of its own. fdupes and jdupes name hard links by the name they meet first: a tree on which that
// shows is refused.
// SPDX-License-Identifier: MIT
#include <support/command.hpp>
#include <support/tournament.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sluice::bench;

constexpr const char* kDropCaches = "/proc/sys/vm/drop_caches";

std::string shell(const std::string& line) { return run_command({"/bin/sh", "-ec", line}); }

bool has(const std::string& program) {
  return !shell("command -v " + program + " || true").empty();
}

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + '\n';
  return all;
}

struct Tree {
  std::string roots;
  std::uint64_t files = 0;
  std::string duplicates{};  // of the first program, lines sorted
};

Contestant contestant(Tree& tree, const std::string& name, const std::string& line, bool cold) {
  const std::string output = shell(line);
  const std::string sorted = sorted_lines(output);
  if (tree.duplicates.empty()) tree.duplicates = sorted;
  if (sorted != tree.duplicates) throw std::runtime_error(name + ": finds other duplicates");
  const auto lines = std::count(sorted.begin(), sorted.end(), '\n');
  return {name, fmt::format("{} files, {} duplicates: {}", tree.files, lines, line), false,
          [=, size = output.size()](std::uint64_t, Placement) {
            if (cold) std::ofstream(kDropCaches) << "3\n" << std::flush;
            check_result(name + ": bytes of output", shell(line).size(), size);
            return Latency{};
          },
          tree.files};
}

std::vector<Group> groups(Tree tree) {
  std::vector<Group> all;
  for (const bool cold : {false, true}) {
    if (cold && !std::ofstream(kDropCaches)) continue;
    Group group{.name = fmt::format("duplicates/cache:{}", cold ? "cold" : "warm"),
                .pinned = false,
                .contestants = {}};
    group.contestants.push_back(
        contestant(tree, "sluice",
                   sibling("sluice") + " run find_duplicates " + tree.roots + " --quiet", cold));
    if (has("jdupes")) {
      group.contestants.push_back(contestant(tree, "jdupes", "jdupes -q -r " + tree.roots, cold));
    }
    if (has("fdupes")) {
      group.contestants.push_back(
          contestant(tree, "fdupes", "fdupes -q -r -n " + tree.roots, cold));
    }
    if (group.contestants.size() > 1) all.push_back(std::move(group));
  }
  return all;
}

Tree make_tree(bool quick) {
  Tree tree{.roots = quick ? "/usr/include" : "/usr/share /usr/lib"};
  tree.files = std::stoull(shell("find " + tree.roots + " -type f -size +0 | wc -l"));
  return tree;
}

// CTest shows it as skipped: nothing was compared.
constexpr int kSkipped = 77;

bool asks_for(int argc, char** argv, std::string_view option) {
  return std::find(argv + 1, argv + argc, option) != argv + argc;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (sibling("sluice").empty() || (!has("jdupes") && !has("fdupes"))) {
      std::fprintf(
          stderr,
          "versus_duplicates: sluice is not beside this program, or no jdupes and fdupes\n");
      return kSkipped;
    }
    return hold_tournament("versus_duplicates", argc, argv,
                           groups(make_tree(asks_for(argc, argv, "--quick"))));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "versus_duplicates: %s\n", error.what());
    return 1;
  }
}
