// sluice/cli/word_sorter.cpp: the one user of CLI11: options, bare words and the text of --help.
// SPDX-License-Identifier: MIT
#include <sluice/cli/command_line.hpp>
#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace sluice::detail {
namespace {

const char* value_name(const ArgSpec& spec) {
  switch (spec.kind) {
    case ArgKind::number:
      return "N";
    case ArgKind::size:
      return "SIZE";
    case ArgKind::path:
      return "PATH";
    case ArgKind::text:
    case ArgKind::flag:
      break;
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

// CLI11's layout with our order: every argument once, bare words beside their options.
class HelpLayout : public CLI::Formatter {
 public:
  explicit HelpLayout(const std::vector<ArgSpec>& args) : args_(args) {}

  std::string make_positionals(const CLI::App*) const override { return {}; }
  std::string make_option_name(const CLI::Option* option, bool) const override {
    const std::string dashed = option->get_name(false, true);
    return option->get_positional() ? option->get_name(true) + ", " + dashed : dashed;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }
  // A bare word on the usage line; in brackets when it may be left out.
  std::string make_option_usage(const CLI::Option* option) const override {
    const std::string name = option->get_name(true);
    const auto spec = std::find_if(args_.begin(), args_.end(),
                                   [&](const ArgSpec& arg) { return arg.name == name; });
    if (spec == args_.end()) return name;
    const std::string word = name + (spec->many ? "..." : "");
    return spec->fallback ? "[" + word + "]" : word;
  }

 private:
  const std::vector<ArgSpec>& args_;  // outlives the help text
};

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

// "--report --quiet": an option in the place of a value is a slip, not a file name. Behind a bare
// "--" it is meant.
void refuse_options_as_values(const GivenWords& given, const std::vector<std::string>& known,
                              const std::vector<std::string>& words) {
  const auto mark = std::find(words.begin(), words.end(), "--");
  for (const auto& [name, values] : given) {
    for (const std::string& value : values) {
      if (std::find(known.begin(), known.end(), value) == known.end()) continue;
      if (std::find(mark, words.end(), value) != words.end()) continue;
      throw UsageError(fmt::format("--{} needs a value, found the option {}", name, value));
    }
  }
}

// An empty line between the groups is enough.
std::string without_gaps(std::string text) {
  const std::string gap = "\n\n\n";
  for (std::size_t at = text.find(gap); at != text.npos; at = text.find(gap, at)) text.erase(at, 1);
  return text;
}

std::string summary_of(const CommandSyntax& syntax, const PipelineEntry* entry) {
  if (entry == nullptr || entry->summary.empty()) return syntax.summary;
  return fmt::format("{}\n{}: {}", syntax.summary, entry->name, entry->summary);
}

bool has_option(const CommandSyntax& syntax, const std::string& name) {
  return std::any_of(syntax.options.begin(), syntax.options.end(),
                     [&](const CommandOption& option) { return option.spec.name == name; });
}

void set_up_help(CLI::App& app, const PipelineEntry* entry, const std::vector<ArgSpec>& args) {
  app.set_help_flag();
  auto layout = std::make_shared<HelpLayout>(args);
  layout->column_width(34);
  app.formatter(std::move(layout));
  if (entry != nullptr && !entry->details.empty()) app.footer("\n" + entry->details);
}

// CLI11 knows one kind of parse error here: an option at the end of the line without its value.
[[noreturn]] void refuse_parse(const CLI::ParseError& error) {
  const std::string text = error.what();
  const bool missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch);
  throw UsageError(missing ? text.substr(0, text.find(':')) + " needs a value" : text);
}

}  // namespace

SortedWords sort_words(const std::string& usage, const CommandSyntax& syntax,
                       const PipelineEntry* entry, const std::vector<ArgSpec>& args,
                       const std::vector<std::string>& words) {
  SortedWords sorted;
  CLI::App app(summary_of(syntax, entry), usage);
  set_up_help(app, entry, args);
  std::vector<std::string> known = {"-h", "--help"};
  Binder pipeline(app, sorted.args, "Arguments");
  for (const ArgSpec& spec : args) {
    if (has_option(syntax, spec.name)) continue;
    pipeline.bind(spec, value_name(spec));
    known.push_back(option_name(spec));
  }
  Binder own(app, sorted.options, "Options");
  for (const CommandOption& option : syntax.options) {
    own.bind(option.spec, option.value_name);
    known.push_back(option_name(option.spec));
  }
  app.add_flag("-h,--help", sorted.help, "Print this and end")->group("Options");
  app.allow_extras();
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    refuse_parse(error);
  }
  sorted.help_text = without_gaps(app.help());
  for (std::string& word : app.remaining()) {
    if (word != "--") sorted.unknown.push_back(std::move(word));  // its work is done
  }
  forget_absent(sorted.args);
  forget_absent(sorted.options);
  if (!sorted.help) {
    refuse_options_as_values(sorted.args, known, words);
    refuse_options_as_values(sorted.options, known, words);
  }
  return sorted;
}

}  // namespace sluice::detail
