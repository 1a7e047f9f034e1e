// tests/unit/codec_fault_test.cpp: a refused type is described by the way to its first wrong part.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/codec_values.hpp>

#include <sluice/codec.hpp>

#include <memory>
#include <span>
#include <string_view>

namespace {

using namespace sluice::testing_support;
using sluice::detail::portability_fault;

struct Hit {
  int id;
  const char* host;
};
struct Bad {
  int id;
  std::string_view name;
};
struct Nest {
  Bad bad;
  int* later;
};
struct Deep {
  int id;
  std::vector<std::map<std::string, std::optional<Nest>>> table;
};
struct HoldsReference {
  int id;
  const std::string& text;
};
struct HoldsRow {
  std::string name;
  void* places[4];
};
class Opaque {
 public:
  int shown = 0;

 private:
  [[maybe_unused]] int hidden_ = 0;
};
struct HoldsUnion {
  char label[4];
  union {
    int number;
    float real;
  };
};
enum Plain { one, two };
struct HoldsEnum {
  Plain plain;
};
struct Derived : Point {
  int z;
};
struct Chain {
  std::vector<Chain> below;
  std::unique_ptr<int> owned;
};

}  // namespace

TEST_CASE("portability fault: members are numbered from 1, and the way is told", "[codec]") {
  CHECK(portability_fault<Hit>() == "member #2 of Hit (const char*)");
  CHECK(portability_fault<const Hit>() == portability_fault<Hit>());
  CHECK(portability_fault<Nest>() == "member #1 of Nest, member #2 of its Bad (std::string_view)");
  CHECK(portability_fault<HoldsReference>() == "member #2 of HoldsReference (const std::string&)");
  CHECK_THAT(portability_fault<HoldsRow>(),
             Catch::StartsWith("member #2 of HoldsRow, element of its void*") &&
                 Catch::EndsWith("(void*)"));
  CHECK(portability_fault<HoldsUnion>() == "member #2 of HoldsUnion (a union)");
  CHECK(portability_fault<std::vector<HoldsUnion>>() ==
        "element of std::vector<HoldsUnion>, member #2 of its HoldsUnion (a union)");
  CHECK(portability_fault<Chain>() == "member #2 of Chain (std::unique_ptr<int>)");
}

TEST_CASE("portability fault: elements, alternatives, keys and values are told apart", "[codec]") {
  CHECK(portability_fault<std::vector<Hit>>() ==
        "element of std::vector<Hit>, member #2 of its Hit (const char*)");
  CHECK(portability_fault<std::array<int*, 2>>() == "element of std::array<int*, 2> (int*)");
  CHECK(portability_fault<std::variant<int, std::string_view>>() ==
        "alternative #2 of std::variant<int, std::string_view> (std::string_view)");
  CHECK(portability_fault<std::map<int*, int>>() == "key of std::map<int*, int> (int*)");
  CHECK(portability_fault<std::map<int, int*>>() == "value of std::map<int, int*> (int*)");
  CHECK(portability_fault<std::set<std::string_view>>() ==
        "key of std::set<std::string_view> (std::string_view)");
  CHECK(portability_fault<std::optional<int*>>() == "value of std::optional<int*> (int*)");
  CHECK(portability_fault<std::pair<int*, int>>() == "element #1 of std::pair<int*, int> (int*)");
  CHECK(portability_fault<std::tuple<int, int, int*>>() ==
        "element #3 of std::tuple<int, int, int*> (int*)");
  CHECK_THAT(portability_fault<Deep>(),
             Catch::StartsWith("member #2 of Deep, element of its std::vector<std::map<") &&
                 Catch::Contains(", value of its std::map<std::string, std::optional<Nest>") &&
                 Catch::EndsWith(", value of its std::optional<Nest>, member #1 of its Nest, "
                                 "member #2 of its Bad (std::string_view)"));
}

TEST_CASE("portability fault: a type that is wrong as a whole is named alone", "[codec]") {
  CHECK(portability_fault<int*>() == "int*");
  CHECK(portability_fault<std::string_view>() == "std::string_view");
  CHECK(portability_fault<int&>() == "int&");
  CHECK(portability_fault<void>() == "void");
  CHECK_THAT(portability_fault<int[3]>(), Catch::StartsWith("int"));
  CHECK(portability_fault<Opaque>() == "Opaque");
  CHECK_THAT(portability_fault<Derived>(),
             Catch::StartsWith("Derived, a struct with a base class"));
  CHECK_THAT(portability_fault<HoldsEnum>(),
             Catch::StartsWith("member #1 of HoldsEnum (Plain, an enum without a fixed type"));
}

TEST_CASE("portability fault: of a portable type there is none", "[codec]") {
  CHECK(portability_fault<int>().empty());
  CHECK(portability_fault<const std::string>().empty());
  CHECK(portability_fault<Mixed>().empty());
  CHECK(portability_fault<Tree>().empty());
}
