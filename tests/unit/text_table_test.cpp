// unit/text_table_test.cpp: columns for people, one line out of any text, names of types.
// SPDX-License-Identifier: MIT
#include <sluice/base/display_name.hpp>
#include <sluice/base/text_table.hpp>
#include <sluice/base/type_name.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <string_view>

namespace sluice::detail {
namespace {

using Align = TextTable::Align;

TEST_CASE("a table aligns names to the left, numbers to the right, and ends lines early",
          "[report]") {
  TextTable table({{"stage", Align::left}, {"in"}, {"note", Align::left}});
  table.add({"read", "7", ""});
  table.add({"a long name", "12345", "kept"});
  CHECK(table.text() ==
        "stage           in  note\n"
        "read             7\n"
        "a long name  12345  kept\n");
}

TEST_CASE("the width of a cell is counted in characters, not bytes", "[report]") {
  TextTable table({{"s", Align::left}, {"n"}});
  table.add({"größe", "1"});
  table.add({"grosse", "2"});
  CHECK(table.text() == "s       n\ngröße   1\ngrosse  2\n");
}

TEST_CASE("any text becomes one printable line", "[report]") {
  CHECK(one_line("plain") == "plain");
  CHECK(one_line("two\nlines\tand\ra tab\n") == "two lines and a tab");
  CHECK(one_line("\x1b[31mred\x7f") == "\\x1b[31mred\\x7f");
  CHECK(one_line("größe") == "größe");
}

struct Local {};

TEST_CASE("types are shown as people write them, whatever compiler spelled them", "[report]") {
  CHECK(display_name(std::string(type_name<std::string>())) == "std::string");
  CHECK(display_name(std::string(type_name<std::string_view>())) == "std::string_view");
  const std::string local = display_name(std::string(type_name<Local>()));
  CHECK_THAT(local, Catch::EndsWith("Local") && !Catch::Contains("anonymous"));
  CHECK(display_name("std::__cxx11::basic_string<char>") == "std::string");
  CHECK(display_name("std::pair<std::basic_string<char>, long unsigned int>") ==
        "std::pair<std::string, unsigned long>");
  CHECK(display_name("(anonymous namespace)::Local") == "Local");
}

}  // namespace
}  // namespace sluice::detail
