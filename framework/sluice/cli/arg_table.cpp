// sluice/cli/arg_table.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/arg_table.hpp>

#include <sluice/cli/suggest.hpp>
#include <sluice/cli/values.hpp>
#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace sluice::detail {
namespace {

const char* kind_name(ArgKind kind) {
  switch (kind) {
    case ArgKind::text:
      return "text";
    case ArgKind::number:
      return "number";
    case ArgKind::size:
      return "size";
    case ArgKind::path:
      return "path";
    case ArgKind::flag:
      return "flag";
  }
  return "unknown";
}

// An empty fallback of a path or text: the builder sees an empty one when it is not given.
bool stands_for_none(const ArgSpec& spec) {
  return spec.fallback && spec.fallback->empty() &&
         (spec.kind == ArgKind::path || spec.kind == ArgKind::text);
}

// Throws when the word is no value for this argument.
void check_word(const ArgSpec& spec, const std::string& word) {
  const std::string what = option_name(spec);
  if (word.empty() && stands_for_none(spec)) return;
  if (spec.kind == ArgKind::number) static_cast<void>(parse_number(what, word));
  if (spec.kind == ArgKind::size) static_cast<void>(parse_size(what, word));
  if (spec.kind == ArgKind::path && word.empty()) {
    throw UsageError(fmt::format("{}: the path is empty; give one", what));
  }
  const bool choice = spec.choices.empty() || std::find(spec.choices.begin(), spec.choices.end(),
                                                        word) != spec.choices.end();
  if (!choice) {
    throw UsageError(
        fmt::format("{}: \"{}\" is not a choice{}", what, word, did_you_mean(word, spec.choices)));
  }
}

bool is_valid(const ArgSpec& spec, const std::vector<std::string>& words) {
  try {
    for (const std::string& word : words) check_word(spec, word);
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

std::vector<std::string> stand_in(const ArgSpec& spec) {
  if (spec.kind == ArgKind::flag) return {};
  if (spec.kind == ArgKind::number || spec.kind == ArgKind::size) return {"1"};
  return {spec.choices.empty() ? fmt::format("<{}>", spec.name) : spec.choices.front()};
}

bool is_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), allowed);
}

std::string fault_of(const ArgSpec& spec) {
  const std::string what = fmt::format("argument \"{}\"", spec.name);
  if (!is_name(spec.name)) {
    return what + ": the name may have lower case letters, digits, - and _";
  }
  const auto& reserved = reserved_names();
  if (std::find(reserved.begin(), reserved.end(), spec.name) != reserved.end()) {
    return what + ": the name is an option of the command line; choose another";
  }
  if (spec.kind == ArgKind::flag && (spec.fallback || spec.many || spec.positional)) {
    return what + ": a flag has no fallback, no position and no list";
  }
  if (!spec.choices.empty() && spec.kind != ArgKind::text) {
    return what + ": only a text has choices";
  }
  if (spec.fallback && !(spec.many && spec.fallback->empty())) {
    try {
      check_word(spec, *spec.fallback);
    } catch (const UsageError& error) {
      return fmt::format("{}: fallback {}", what, error.what());
    }
  }
  return {};
}

}  // namespace

const std::vector<std::string>& reserved_names() {
  // Without "format" and "json": run has no such option, and where a command has one it is the
  // command's.
  static const std::vector<std::string> names = {"batch",  "capacity", "carrier",  "dead-letters",
                                                 "grace",  "help",     "progress", "quiet",
                                                 "report", "workers"};
  return names;
}

std::string option_name(const ArgSpec& spec) { return "--" + spec.name; }

std::vector<std::string> arg_faults(const std::vector<ArgSpec>& specs) {
  std::vector<std::string> faults;
  std::set<std::string> names;
  const ArgSpec* list = nullptr;  // the positional one that takes all words
  for (const ArgSpec& spec : specs) {
    if (std::string fault = fault_of(spec); !fault.empty()) faults.push_back(std::move(fault));
    if (!names.insert(spec.name).second) {
      faults.push_back(fmt::format("argument \"{}\": declared twice", spec.name));
    }
    if (spec.positional && list != nullptr) {
      faults.push_back(
          fmt::format("argument \"{}\": all words go to \"{}\" before it; declare it first",
                      spec.name, list->name));
    }
    if (spec.positional && spec.many) list = &spec;
  }
  return faults;
}

ArgTable::ArgTable(std::vector<ArgSpec> specs, GivenWords given, Names names, Gaps gaps)
    : specs_(std::move(specs)), given_(std::move(given)), names_(names), gaps_(gaps) {}

// Nothing when the argument is missing.
std::optional<std::vector<std::string>> ArgTable::words_of(const ArgSpec& spec) const {
  const auto given = given_.find(spec.name);
  if (given != given_.end() && !given->second.empty()) return given->second;
  if (spec.kind == ArgKind::flag) return std::vector<std::string>{};
  if (!spec.fallback) return std::nullopt;
  if (spec.many && spec.fallback->empty()) return std::vector<std::string>{};
  return std::vector<std::string>{*spec.fallback};
}

void ArgTable::check() const {
  for (const ArgSpec& spec : specs_) {
    const auto words = words_of(spec);
    if (!words) {
      if (gaps_ == Gaps::stand_in) continue;
      throw UsageError(fmt::format("--{} is missing; give {}--{} {}", spec.name,
                                   spec.positional ? "a bare word or " : "", spec.name,
                                   spec.kind == ArgKind::path ? "PATH" : "VALUE"));
    }
    if (spec.kind == ArgKind::flag) continue;
    for (const std::string& word : *words) check_word(spec, word);
  }
}

const ArgSpec& ArgTable::agreed(ArgSpec question) {
  const auto found = std::find_if(specs_.begin(), specs_.end(),
                                  [&](const ArgSpec& spec) { return spec.name == question.name; });
  if (found == specs_.end()) {
    if (names_ == Names::declared) {
      std::vector<std::string> names;
      for (const ArgSpec& spec : specs_) names.push_back(spec.name);
      throw UsageError(fmt::format("the builder asks for argument \"{}\", which is not declared{}",
                                   question.name, did_you_mean(question.name, names)));
    }
    question.positional = !question.fallback && question.kind != ArgKind::flag;
    specs_.push_back(std::move(question));
    if (const auto faults = arg_faults(specs_); !faults.empty()) throw UsageError(faults.front());
    return specs_.back();
  }
  if (found->kind != question.kind || found->many != question.many) {
    throw UsageError(fmt::format("the builder asks for argument \"{}\" as {}{}, but it is {}{}",
                                 question.name, question.many ? "a list of " : "",
                                 kind_name(question.kind), found->many ? "a list of " : "",
                                 kind_name(found->kind)));
  }
  if (names_ == Names::declared && question.fallback) {
    throw UsageError(
        fmt::format("the builder gives argument \"{}\" a fallback; it belongs into the declaration",
                    question.name));
  }
  return *found;
}

std::vector<std::string> ArgTable::ask(ArgSpec question) {
  const ArgSpec& spec = agreed(std::move(question));
  auto words = words_of(spec);
  if (words && (spec.kind == ArgKind::flag || is_valid(spec, *words))) return *std::move(words);
  if (gaps_ == Gaps::stand_in) return stand_in(spec);
  check();  // throws: the table was not checked before it was asked
  return {};
}

}  // namespace sluice::detail
