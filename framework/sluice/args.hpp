// sluice/args.hpp: the arguments of a pipeline that is started from the command line.
//
// A pipeline declares its arguments (ArgSpec), or its builder simply asks for them: then they are
// found by running the builder once with stand-in values, which is allowed because building has no
// effects. Either way --help is complete and a wrong name or value gets an answer.
// Layer: run. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

namespace detail {
class ArgTable;
}

enum class ArgKind : unsigned char {
  text,
  number,  ///< 0, 1, 2, ...
  size,    ///< bytes: 4096, 64K, 10M, 2G (powers of 1024)
  path,    ///< of a file or directory; not looked at before the run starts
  flag,    ///< given or not
};

/// One argument of a pipeline.
///
///     {.name = "files", .kind = ArgKind::path, .help = "texts to read", .positional = true,
///      .many = true}
///     {.name = "top", .kind = ArgKind::number, .help = "words to print", .fallback = "10"}
struct ArgSpec {
  std::string name;  ///< lower case letters, digits, - and _; given as --name
  ArgKind kind = ArgKind::text;
  std::string help{};
  /// What it is when it is not given, as it would be typed; without one it must be given (a flag is
  /// off). Empty, for paths and texts: it may be left out; the builder then gets an empty one, or
  /// for `many` none at all.
  std::optional<std::string> fallback{};
  bool positional = false;  ///< may also be given as a bare word, in the order of declaration
  bool many = false;        ///< one or more values; positional: all words from here on
  std::vector<std::string> choices{};  ///< text only: the values that are allowed
};

/// The values of a pipeline's arguments, valid and of the right kind. Asked by builders.
///
/// With declared arguments, only those can be asked for. Without, asking declares: an argument with
/// no fallback must be given, as --name or as a bare word in the order of asking. Copy the values
/// into the stages; an Args is not for stages to keep.
/// Throws   UsageError for a name that is not declared, or is declared as something else.
/// Threads  one at a time.
class Args {
 public:
  explicit Args(std::shared_ptr<detail::ArgTable> table) noexcept : table_(std::move(table)) {}

  [[nodiscard]] std::string text(std::string_view name, std::optional<std::string> fallback = {},
                                 std::string_view help = {}) const;
  [[nodiscard]] std::string path(std::string_view name, std::optional<std::string> fallback = {},
                                 std::string_view help = {}) const;
  [[nodiscard]] std::uint64_t number(std::string_view name,
                                     std::optional<std::uint64_t> fallback = {},
                                     std::string_view help = {}) const;
  /// Units  bytes.
  [[nodiscard]] std::uint64_t size(std::string_view name,
                                   std::optional<std::uint64_t> fallback = {},
                                   std::string_view help = {}) const;
  [[nodiscard]] bool flag(std::string_view name, std::string_view help = {}) const;
  /// One or more, in the order in which they were given.
  [[nodiscard]] std::vector<std::string> paths(std::string_view name,
                                               std::string_view help = {}) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name,
                                               std::string_view help = {}) const;

 private:
  std::shared_ptr<detail::ArgTable> table_;
};

}  // namespace sluice
