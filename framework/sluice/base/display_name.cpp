// sluice/base/display_name.cpp: the spellings of g++ and clang, and what stands for them.
// SPDX-License-Identifier: MIT
#include <sluice/base/display_name.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace sluice::detail {
namespace {

// In this order: the first ones make the later ones match.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kSpellings = {{
    {"std::__cxx11::", "std::"},
    {"{anonymous}::", ""},
    {"(anonymous namespace)::", ""},
    {"<unnamed>::", ""},
    {"std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"},
    {"std::basic_string_view<char, std::char_traits<char> >", "std::string_view"},
    {"std::basic_string<char>", "std::string"},
    {"std::basic_string_view<char>", "std::string_view"},
    {"long unsigned int", "unsigned long"},
    {" >", ">"},
    {" *", "*"},
    {" &", "&"},
}};

}  // namespace

std::string display_name(std::string type) {
  for (const auto& [from, to] : kSpellings) {
    for (std::size_t at = type.find(from); at != std::string::npos; at = type.find(from, at)) {
      type.replace(at, from.size(), to);
      at += to.size();
    }
  }
  return type;
}

}  // namespace sluice::detail
