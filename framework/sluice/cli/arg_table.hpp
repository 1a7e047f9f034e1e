// sluice/cli/arg_table.hpp: the arguments of one pipeline and the words given for them.
//
// (1) Declared: the arguments are fixed, asking for another one is a mistake of the builder.
// (2) Asked: the builder's questions make the table. It is run with stand-in values until no new
//     question comes; values that do not fit are stood in for, too, because words are only assigned
//     to the right arguments once all arguments are known.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/args.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

/// Words by the name of the argument or option they were given for.
using GivenWords = std::map<std::string, std::vector<std::string>>;

/// Faults of declared arguments: names, repeated names, defaults; one line each.
[[nodiscard]] std::vector<std::string> arg_faults(const std::vector<ArgSpec>& specs);

/// Names that the command line keeps for its own options.
[[nodiscard]] const std::vector<std::string>& reserved_names();

/// "--top" or, for a flag, the same; the way messages name an argument.
[[nodiscard]] std::string option_name(const ArgSpec& spec);

class ArgTable {
 public:
  enum class Names : unsigned char { declared, asked };
  enum class Gaps : unsigned char { refuse, stand_in };  ///< what happens to missing values

  ArgTable(std::vector<ArgSpec> specs, GivenWords given, Names names, Gaps gaps);

  [[nodiscard]] const std::vector<ArgSpec>& specs() const noexcept { return specs_; }

  /// Throws UsageError for the first value that is missing (unless stood in for) or does not fit.
  void check() const;

  /// A builder's question. The spec's kind and `many` must agree with the declaration, if there is
  /// one; its fallback and help count only when asking declares.
  /// Returns  the words, all valid; none for a flag that is off.
  [[nodiscard]] std::vector<std::string> ask(ArgSpec question);

 private:
  [[nodiscard]] const ArgSpec& agreed(ArgSpec question);
  [[nodiscard]] std::optional<std::vector<std::string>> words_of(const ArgSpec& spec) const;

  std::vector<ArgSpec> specs_;
  GivenWords given_;
  Names names_;
  Gaps gaps_;
};

}  // namespace sluice::detail
