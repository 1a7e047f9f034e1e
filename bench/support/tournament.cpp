// bench/support/tournament.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/results.hpp>
#include <support/tournament.hpp>

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string_view>

namespace sluice::bench {
namespace {

struct Settings {
  Method method;
  double seconds = 0;  // 0: as the group says
  std::string filter;
  std::string against;
  std::string reference;
  std::string placement = "both";
  std::string out;
  bool list = false;
};

void declare(CLI::App& app, Settings& settings) {
  app.add_flag("--quick", settings.method.quick,
               "one short pair each, to see that it works; the timings mean nothing");
  app.add_flag("--list", settings.list, "print groups and contestants, run nothing");
  app.add_option("--filter", settings.filter, "only groups whose name contains this");
  app.add_option("--against", settings.against, "only contestants whose name contains this");
  app.add_option("--reference", settings.reference, "contestant that meets all others");
  app.add_option("--pairs", settings.method.pairs, "undisturbed pairs wanted")
      ->check(CLI::Range(3, 1000));
  app.add_option("--seconds", settings.seconds, "length of one run")->check(CLI::Range(0.01, 60.0));
  app.add_option("--placement", settings.placement, "free, pinned, both, or together on one CPU")
      ->check(CLI::IsMember({"free", "pinned", "both", "together"}));
  app.add_option("--seed", settings.method.seed, "seed of the bootstrap");
  app.add_option("--out", settings.out,
                 "write the JSON here; without it only complete runs are written, to results/");
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Contestant& reference_of(const Group& group, const std::string& name) {
  if (name.empty()) return group.contestants.front();
  const auto found = std::find_if(group.contestants.begin(), group.contestants.end(),
                                  [&](const Contestant& c) { return c.name == name; });
  if (found == group.contestants.end()) {
    throw std::invalid_argument(fmt::format("group {} has no contestant '{}'", group.name, name));
  }
  return *found;
}

std::vector<Placement> placements_of(const Group& group, const Settings& settings) {
  const auto asked = [&](std::string_view name) { return settings.placement == name; };
  std::vector<Placement> placements;
  if (asked("free") || asked("both")) placements.push_back(Placement::free);
  if (!group.pinned) return placements;
  if (asked("pinned") || asked("both")) placements.push_back(Placement::pinned);
  if (asked("together")) placements.push_back(Placement::together);
  return placements;
}

void hold_group(const Group& group, const Settings& settings, std::vector<Outcome>& outcomes) {
  const Contestant& reference = reference_of(group, settings.reference);
  Method method = settings.method;
  method.figure = group.figure;
  method.seconds = settings.seconds > 0 ? settings.seconds : group.seconds;
  if (method.quick) method.seconds = std::min(method.seconds, 0.02);
  for (const Placement placement : placements_of(group, settings)) {
    const std::uint64_t reference_items = items_for(reference, placement, method.seconds);
    for (const Contestant& contestant : group.contestants) {
      if (&contestant == &reference || !contains(contestant.name, settings.against)) continue;
      const std::uint64_t items = items_for(contestant, placement, method.seconds);
      Outcome outcome = duel(reference, reference_items, contestant, items, placement, method);
      outcome.group = group.name;
      print_row(outcome);
      outcomes.push_back(std::move(outcome));
    }
  }
}

void print_list(const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    fmt::print("{}\n", group.name);
    for (const Contestant& contestant : group.contestants) {
      fmt::print("  {}: {}\n", contestant.name, contestant.about);
    }
  }
}

std::vector<Outcome> hold_all(const std::vector<Group>& groups, const Settings& settings) {
  std::vector<Outcome> outcomes;
  print_heading(settings.method);
  for (const Group& group : groups) {
    if (contains(group.name, settings.filter)) hold_group(group, settings, outcomes);
  }
  if (outcomes.empty()) throw std::invalid_argument("the filters leave nothing to run; see --list");
  return outcomes;
}

void save(const std::string& name, const Settings& settings, const std::vector<Outcome>& outcomes) {
  const bool complete = settings.filter.empty() && settings.against.empty() &&
                        settings.reference.empty() && settings.placement == "both" &&
                        !settings.method.quick;
  const std::string path = settings.out.empty() && complete ? result_path(name) : settings.out;
  if (!path.empty()) write_results(path, name, settings.method, outcomes);
}

}  // namespace

int hold_tournament(const std::string& name, int argc, char** argv,
                    const std::vector<Group>& groups) {
  CLI::App app("Compares contestants in interleaved pairs; see bench/README.md.", name);
  Settings settings;
  declare(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    if (settings.list) {
      print_list(groups);
    } else {
      save(name, settings, hold_all(groups, settings));
    }
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
  }
}

}  // namespace sluice::bench
