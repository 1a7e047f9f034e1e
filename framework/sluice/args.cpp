// sluice/args.cpp: typed questions over the table of words.
// SPDX-License-Identifier: MIT
#include <sluice/args.hpp>

#include <sluice/cli/arg_table.hpp>
#include <sluice/cli/values.hpp>

namespace sluice {
namespace {

std::vector<std::string> ask(detail::ArgTable& table, std::string_view name, ArgKind kind,
                             std::optional<std::string> fallback, std::string_view help,
                             bool many = false) {
  return table.ask({.name = std::string(name),
                    .kind = kind,
                    .help = std::string(help),
                    .fallback = std::move(fallback),
                    .many = many});
}

std::optional<std::string> text_of(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  return std::to_string(*number);
}

}  // namespace

std::string Args::text(std::string_view name, std::optional<std::string> fallback,
                       std::string_view help) const {
  return ask(*table_, name, ArgKind::text, std::move(fallback), help).front();
}

std::string Args::path(std::string_view name, std::optional<std::string> fallback,
                       std::string_view help) const {
  return ask(*table_, name, ArgKind::path, std::move(fallback), help).front();
}

std::uint64_t Args::number(std::string_view name, std::optional<std::uint64_t> fallback,
                           std::string_view help) const {
  const auto words = ask(*table_, name, ArgKind::number, text_of(fallback), help);
  return detail::parse_number(std::string(name), words.front());
}

std::uint64_t Args::size(std::string_view name, std::optional<std::uint64_t> fallback,
                         std::string_view help) const {
  const auto words = ask(*table_, name, ArgKind::size, text_of(fallback), help);
  return detail::parse_size(std::string(name), words.front());
}

bool Args::flag(std::string_view name, std::string_view help) const {
  return !ask(*table_, name, ArgKind::flag, std::nullopt, help).empty();
}

std::vector<std::string> Args::paths(std::string_view name, std::string_view help) const {
  return ask(*table_, name, ArgKind::path, std::nullopt, help, true);
}

std::vector<std::string> Args::texts(std::string_view name, std::string_view help) const {
  return ask(*table_, name, ArgKind::text, std::nullopt, help, true);
}

}  // namespace sluice
