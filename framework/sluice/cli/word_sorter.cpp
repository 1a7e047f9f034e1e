// sluice/cli/word_sorter.cpp: the one user of CLI11: options, bare words and the text of --help.
// SPDX-License-Identifier: MIT
#include <sluice/cli/command_line.hpp>
#include <sluice/error.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sluice::detail {
namespace {

const char* value_name(const ArgSpec& spec) {
  switch (spec.kind) {
    case ArgKind::number: return "N";
    case ArgKind::size: return "SIZE";
    case ArgKind::path: return "PATH";
    case ArgKind::text:
    case ArgKind::flag: break;
  }
  return "TEXT";
}

std::string help_of(const ArgSpec& spec) {
  std::string help = spec.help;
  const auto add = [&](const std::string& note) { help += (help.empty() ? "" : " ") + note; };
  if (!spec.choices.empty()) add(fmt::format("({})", fmt::join(spec.choices, ", ")));
  if (spec.fallback && !spec.fallback->empty()) add(fmt::format("[{}]", *spec.fallback));
  if (!spec.fallback && spec.kind != ArgKind::flag && !spec.positional) add("(required)");
  return help;
}

// Binds one argument to its place in `given`; counts flags as a word per occurrence.
class Binder {
 public:
  Binder(CLI::App& app, GivenWords& given, std::string group)
      : app_(app), given_(given), group_(std::move(group)) {}

  void bind(const ArgSpec& spec, const std::string& name_of_value) {
    std::vector<std::string>& words = given_[spec.name];
    if (spec.kind == ArgKind::flag) {
      app_.add_flag("--" + spec.name, words, help_of(spec))->group(group_);
      return;
    }
    const std::string names = spec.positional ? spec.name + ",--" + spec.name : "--" + spec.name;
    CLI::Option* const option = app_.add_option(names, words, help_of(spec));
    const bool greedy = spec.positional && spec.many;
    option->allow_extra_args(greedy)->group(group_);
    option->type_name(name_of_value + (greedy ? "..." : ""));
  }

 private:
  CLI::App& app_;
  GivenWords& given_;
  std::string group_;
};

void forget_absent(GivenWords& given) {
  for (auto at = given.begin(); at != given.end();) {
    at = at->second.empty() ? given.erase(at) : std::next(at);
  }
}

// "--report --quiet": an option in the place of a value is a slip, not a file name.
void refuse_options_as_values(const GivenWords& given, const std::vector<std::string>& known) {
  for (const auto& [name, words] : given) {
    for (const std::string& word : words) {
      if (std::find(known.begin(), known.end(), word) == known.end()) continue;
      throw UsageError(fmt::format("--{} needs a value, found the option {}", name, word));
    }
  }
}

void set_up_help(CLI::App& app, const PipelineEntry* entry, bool& help) {
  app.set_help_flag();
  app.add_flag("-h,--help", help, "Print this and end")->group("Options");
  app.get_formatter()->column_width(34);
  if (entry != nullptr && !entry->details.empty()) app.footer("\n" + entry->details);
}

}  // namespace

SortedWords sort_words(const std::string& usage, const CommandSyntax& syntax,
                       const PipelineEntry* entry, const std::vector<ArgSpec>& args,
                       const std::vector<std::string>& words) {
  SortedWords sorted;
  std::string summary = syntax.summary;
  if (entry != nullptr && !entry->summary.empty()) summary += "\n" + entry->name + ": " + entry->summary;
  CLI::App app(summary, usage);
  set_up_help(app, entry, sorted.help);
  std::vector<std::string> known = {"-h", "--help"};
  Binder pipeline(app, sorted.args, "Arguments of the pipeline");
  for (const ArgSpec& spec : args) {
    pipeline.bind(spec, value_name(spec));
    known.push_back(option_name(spec));
  }
  Binder own(app, sorted.options, "Options");
  for (const CommandOption& option : syntax.options) {
    own.bind(option.spec, option.value_name);
    known.push_back(option_name(option.spec));
  }
  app.allow_extras();
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  sorted.help_text = app.help();
  sorted.unknown = app.remaining();
  forget_absent(sorted.args);
  forget_absent(sorted.options);
  if (!sorted.help) {
    refuse_options_as_values(sorted.args, known);
    refuse_options_as_values(sorted.options, known);
  }
  return sorted;
}

}  // namespace sluice::detail
