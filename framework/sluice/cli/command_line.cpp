// sluice/cli/command_line.cpp: which pipeline is meant, which arguments it has, what is wrong.
// SPDX-License-Identifier: MIT
#include <sluice/cli/command_line.hpp>

#include <sluice/cli/suggest.hpp>
#include <sluice/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sluice::detail {
namespace {

// Every round knows at least one argument more; a builder that asks for ever new names never ends.
constexpr int kMostRounds = 100;

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

std::vector<std::string> names_of(const Program& program) {
  std::vector<std::string> names;
  for (const PipelineEntry& entry : program.pipelines) names.push_back(entry.name);
  return names;
}

std::vector<std::string> options_of(const CommandSyntax& syntax, const std::vector<ArgSpec>& args) {
  std::vector<std::string> names = {"--help"};
  for (const CommandOption& option : syntax.options) names.push_back(option_name(option.spec));
  for (const ArgSpec& spec : args) names.push_back(option_name(spec));
  return names;
}

void refuse_unknown(const CommandSyntax& syntax, const SortedWords& sorted,
                    const std::vector<ArgSpec>& args) {
  if (sorted.unknown.empty()) return;
  const std::string& word = sorted.unknown.front();
  if (!is_option(word)) {
    throw UsageError(
        fmt::format("{}: unexpected word \"{}\"; see {} --help", syntax.name, word, syntax.name));
  }
  const std::string name = word.substr(0, word.find('='));
  const auto meant = nearest(name, options_of(syntax, args));
  throw UsageError(
      meant ? fmt::format("{}: there is no option {}; did you mean {}?", syntax.name, name, *meant)
            : fmt::format("{}: there is no option {}; see {} --help", syntax.name, name,
                          syntax.name));
}

void refuse_repeated(const ArgSpec& spec, const GivenWords& given) {
  const auto found = given.find(spec.name);
  if (spec.many || found == given.end() || found->second.size() < 2) return;
  throw UsageError(fmt::format("--{} is given {} times: {}; give it once", spec.name,
                               found->second.size(), fmt::join(found->second, ", ")));
}

void check_choices(const CommandOption& option, const GivenWords& given) {
  const auto found = given.find(option.spec.name);
  if (found == given.end()) return;
  for (const std::string& word : found->second) {
    const auto& choices = option.spec.choices;
    if (choices.empty() || std::find(choices.begin(), choices.end(), word) != choices.end())
      continue;
    throw UsageError(fmt::format("--{}: \"{}\" is not a choice{}", option.spec.name, word,
                                 did_you_mean(word, choices)));
  }
}

void check_sorted(const CommandSyntax& syntax, const SortedWords& sorted,
                  const std::vector<ArgSpec>& args) {
  refuse_unknown(syntax, sorted, args);
  for (const ArgSpec& spec : args) {
    if (spec.kind != ArgKind::flag) refuse_repeated(spec, sorted.args);
  }
  for (const CommandOption& option : syntax.options) {
    if (option.spec.kind != ArgKind::flag) refuse_repeated(option.spec, sorted.options);
    check_choices(option, sorted.options);
  }
}

// The builder's questions, on values that may still be wrong. What it throws about them is not for
// the user yet: with the right values it may not be thrown, else it is thrown again.
void question(const PipelineEntry& entry, const std::shared_ptr<ArgTable>& table) {
  const std::size_t before = table->specs().size();
  try {
    Pipeline scratch(entry.name);
    entry.build(scratch, Args(table));
  } catch (...) {
    if (table->specs().size() > before && !arg_faults(table->specs()).empty()) throw;
  }
}

std::vector<ArgSpec> discover(const std::string& usage, const CommandSyntax& syntax,
                              const PipelineEntry& entry, const std::vector<std::string>& words) {
  std::vector<ArgSpec> specs;
  GivenWords given;
  for (int round = 0; round < kMostRounds; ++round) {
    auto table = std::make_shared<ArgTable>(specs, std::move(given), ArgTable::Names::asked,
                                            ArgTable::Gaps::stand_in);
    question(entry, table);
    if (round > 0 && table->specs().size() == specs.size()) return specs;
    specs = table->specs();
    given = sort_words(usage, syntax, &entry, specs, words).args;
  }
  throw UsageError(
      fmt::format("pipeline {}: the builder asks for more and more arguments", entry.name));
}

// A word in front counts as the pipeline's name even if it is wrong, so that it gets an answer.
std::size_t place_of_name(const Program& program, const std::vector<std::string>& words) {
  if (words.empty() || !is_option(words.front())) return 0;
  const auto names = names_of(program);
  const auto found = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(names.begin(), names.end(), word) != names.end();
  });
  return static_cast<std::size_t>(found - words.begin());
}

const PipelineEntry* find_entry(const Program& program, const std::string& name) {
  for (const PipelineEntry& entry : program.pipelines) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

// Takes the name out of the words. Null: none is named, and --help is asked for.
const PipelineEntry* take_entry(const Program& program, const CommandSyntax& syntax,
                                std::vector<std::string>& words) {
  const std::size_t place = place_of_name(program, words);
  const PipelineEntry* named = place < words.size() ? find_entry(program, words[place]) : nullptr;
  if (named != nullptr) {
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(place));
    return named;
  }
  if (!program.needs_name()) return &program.pipelines.front();
  if (place < words.size()) {
    throw UsageError(fmt::format("{}: there is no pipeline {}{}", syntax.name, words[place],
                                 did_you_mean(words[place], names_of(program))));
  }
  if (asks_for_help(words)) return nullptr;
  throw UsageError(fmt::format("{}: no pipeline is named; {} list tells which there are",
                               syntax.name, program.info.name));
}

}  // namespace

std::string PipelineCommand::value(const std::string& option, std::string fallback) const {
  const auto found = options.find(option);
  return found == options.end() ? std::move(fallback) : found->second.back();
}

KnownArgs know_args(const std::string& usage, const CommandSyntax& syntax,
                    const PipelineEntry& entry, const std::vector<std::string>& words,
                    ArgTable::Gaps gaps) {
  const bool declared = !entry.args.empty();
  const std::vector<ArgSpec> specs = declared ? entry.args : discover(usage, syntax, entry, words);
  KnownArgs known;
  known.words = sort_words(usage, syntax, &entry, specs, words);
  known.table = std::make_shared<ArgTable>(
      specs, known.words.args, declared ? ArgTable::Names::declared : ArgTable::Names::asked, gaps);
  if (known.words.help) return known;
  check_sorted(syntax, known.words, specs);
  known.table->check();
  return known;
}

PipelineCommand understand(const Program& program, const CommandSyntax& syntax,
                           std::vector<std::string> words, ArgTable::Gaps gaps) {
  const PipelineEntry* const entry = take_entry(program, syntax, words);
  const std::string usage = fmt::format("{} {}", program.info.name, syntax.name);
  PipelineCommand command;
  command.entry = entry;
  if (entry == nullptr) {
    SortedWords sorted = sort_words(usage + " PIPELINE", syntax, nullptr, {}, words);
    command.help = true;
    command.help_text = fmt::format("{}\nPipelines: {}; each has arguments, see {} NAME --help\n",
                                    sorted.help_text, fmt::join(names_of(program), ", "), usage);
    return command;
  }
  KnownArgs known = know_args(program.needs_name() ? usage + ' ' + entry->name : usage, syntax,
                              *entry, words, gaps);
  command.help = known.words.help;
  command.help_text = std::move(known.words.help_text);
  command.options = std::move(known.words.options);
  command.args = std::move(known.table);
  return command;
}

SortedWords understand(const Program& program, const CommandSyntax& syntax,
                       const std::vector<std::string>& words) {
  SortedWords sorted =
      sort_words(fmt::format("{} {}", program.info.name, syntax.name), syntax, nullptr, {}, words);
  if (!sorted.help) check_sorted(syntax, sorted, {});
  return sorted;
}

}  // namespace sluice::detail
