// tests/unit/codec_portable_test.cpp: which types are portable, and which are refused.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/codec_values.hpp>
#include <support/move_only.hpp>

#include <sluice/codec.hpp>

#include <any>
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <coroutine>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <functional>
#include <future>
#include <initializer_list>
#include <iterator>
#include <latch>
#include <locale>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <queue>
#include <random>
#include <regex>
#include <semaphore>
#include <shared_mutex>
#include <span>
#include <sstream>
#include <stack>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <thread>
#include <typeindex>
#include <typeinfo>

namespace {

using namespace sluice::testing_support;
using sluice::portable;

union Union {
  int number;
  float real;
};
struct View {
  int id;
  std::string_view name;
};
struct Nest {
  int id;
  View view;
};
struct HoldsReference {
  int id;
  const std::string& text;
};
struct HoldsMutableReference {
  std::string& text;
  int id;
};
struct HoldsUnion {
  Union either;
  int which;
};
struct HoldsPointers {
  char* texts[4];
};
struct Derived : Point {
  int z;
};
struct Row : std::vector<int> {
  using std::vector<int>::vector;
  int id = 0;
};
class Hidden {
 public:
  int shown = 0;

 private:
  [[maybe_unused]] int hidden_ = 0;
};
struct TooMany {
  int a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1, q1, r1, s1, t1, u1, v1;
  int a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2, q2, r2, s2, t2, u2, v2;
  int a3, b3, c3, d3, e3, f3, g3, h3, i3, j3, k3, l3, m3, n3, o3, p3, q3, r3, s3, t3, u3;
};
struct TooManyInArrays {
  int id;
  char letters[129];
};
int somewhere = 0;
struct DefaultReference {
  int id;
  int& place = somewhere;
  std::string text;
};
struct NamelessUnion {
  int which;
  union {
    int number;
    float real;
  };
  std::string text;
};
struct NamelessUnionFirst {
  union {
    int number;
    float real;
  };
};
struct NamelessUnionLast {
  char label[3];
  std::string text;
  union {
    int number;
    float real;
  };
};
struct UnionRow {
  int which;
  Union rows[2];
};
enum Plain { plain_one, plain_two };
enum PlainRanged { ranged_one, ranged_two };
enum PlainTested { tested_one };
enum Typed : int { typed_one };
union Raw {
  int number;
  float real;
};
union Coded {
  int number;
  float real;
};
struct HoldsRaw {
  std::string text;
  Raw raw;
  Coded coded;
  Raw more[2];
};
}  // namespace

template <>
struct sluice::enum_range<PlainRanged> {
  static constexpr PlainRanged least = ranged_one;
  static constexpr PlainRanged most = ranged_two;
};
template <>
struct sluice::enum_range<PlainTested> {
  static constexpr bool is_valid(PlainTested value) { return value == tested_one; }
};
template <>
inline constexpr bool sluice::treat_as_raw<Raw> = true;
template <>
struct sluice::codec<Coded> {
  static void write(const Coded& coded, Writer& to) { to.put(coded.number); }
  static Coded read(Reader& from) { return {.number = from.get<int>()}; }
};

namespace {

template <class T>
struct Beside {
  int id;
  T other;
  std::string text;
};

// Neither as it is, nor as a member, an element or an alternative.
template <class T>
constexpr bool refused() {
  if constexpr (std::is_object_v<T> && !std::is_array_v<T>) {
    return !portable<T> && !portable<Beside<T>> && !portable<std::optional<Beside<T>>> &&
           !portable<std::pair<int, T>> && !portable<std::tuple<T>> &&
           !portable<std::array<T, 2>> && !portable<std::variant<int, T>>;
  } else {
    return !portable<T>;
  }
}
template <class... Ts>
constexpr bool all_refused() {
  return (refused<Ts>() && ...);
}

static_assert(all_refused<void, int&, int&&, int[3], int[], void()>());
static_assert(all_refused<int*, void*, const char*, std::nullptr_t, void (*)(), int Point::*,
                          int (Hidden::*)()>());
static_assert(all_refused<std::string_view, std::span<int>, std::span<const std::byte, 4>,
                          std::initializer_list<int>, std::reference_wrapper<int>,
                          std::vector<int>::iterator, std::list<int>::iterator>());
static_assert(all_refused<std::unique_ptr<int>, std::shared_ptr<int>, std::weak_ptr<int>,
                          std::exception_ptr, std::any, MoveOnly>());
static_assert(all_refused<std::function<void()>, std::thread, std::thread::id, std::mutex,
                          std::condition_variable, std::atomic<int>, std::stop_token,
                          std::promise<int>, std::future<int>, std::unique_lock<std::mutex>>());
static_assert(all_refused<std::jthread, std::recursive_mutex, std::timed_mutex, std::shared_mutex,
                          std::once_flag, std::counting_semaphore<4>, std::latch, std::barrier<>,
                          std::lock_guard<std::mutex>, std::condition_variable_any,
                          std::shared_future<int>, std::packaged_task<void()>, std::stop_source,
                          std::atomic_flag, std::atomic_ref<int>, std::coroutine_handle<>>());
static_assert(
    all_refused<std::stringstream, std::locale, std::regex, std::error_code, std::error_condition,
                std::type_info, std::FILE*, std::mt19937, std::filesystem::directory_entry,
                std::filesystem::directory_iterator, std::stack<int>, std::queue<int>,
                std::allocator<int>, std::vector<bool>::reference, std::istream_iterator<int>,
                std::back_insert_iterator<std::string>, std::runtime_error, std::wstring_view,
                std::bad_alloc>());
static_assert(all_refused<std::ofstream, std::type_index, std::priority_queue<int>,
                          std::pmr::string, std::pmr::vector<int>, std::tm>());
static_assert(
    all_refused<Union, View, Nest, HoldsReference, HoldsMutableReference, HoldsUnion, HoldsPointers,
                Derived, Row, Hidden, TooMany, TooManyInArrays, DefaultReference>());
static_assert(all_refused<NamelessUnion, NamelessUnionFirst, NamelessUnionLast, UnionRow>());
static_assert(all_refused<Plain, PlainTested>());
static_assert(all_refused<std::vector<int*>, std::vector<View>, std::map<int, View>,
                          std::set<std::string_view>, std::optional<int*>,
                          std::unordered_map<std::string, std::shared_ptr<int>>>());
// What orders or hashes the keys holds something that would be lost.
static_assert(all_refused<std::set<int, bool (*)(int, int)>,
                          std::map<int, int, std::function<bool(int, int)>>,
                          std::unordered_map<int, int, std::size_t (*)(int)>>());
static_assert(refused<decltype([] {})>());

static_assert(portable<int> && portable<const int> && portable<std::string> && portable<Mixed>);
static_assert(portable<Point> && portable<Padded> && portable<Named> && portable<Tree>);
static_assert(portable<Sealed> && portable<std::vector<Sealed>> && portable<Beside<Sealed>>);
static_assert(portable<Beside<std::optional<std::variant<int, std::string>>>>);
static_assert(portable<std::timespec>);
static_assert(portable<Typed> && portable<PlainRanged> && portable<HoldsRaw>);

// The verdict names the way to the offender.
static_assert(std::is_same_v<
              sluice::detail::VerdictOf<Nest>,
              sluice::Part<2, Nest, sluice::Part<2, View, sluice::NotPortable<std::string_view>>>>);
static_assert(std::is_same_v<sluice::detail::VerdictOf<std::map<int, int*>>,
                             sluice::Part<2, std::map<int, int*>, sluice::NotPortable<int*>>>);
static_assert(
    std::is_same_v<sluice::detail::VerdictOf<NamelessUnionLast>,
                   sluice::Part<3, NamelessUnionLast, sluice::NotPortable<sluice::Union>>>);
static_assert(std::is_same_v<sluice::detail::VerdictOf<Tree>, sluice::detail::Portable>);

}  // namespace

TEST_CASE("codec: members are counted and their types are known", "[codec]") {
  using sluice::detail::kMemberCount;
  using sluice::detail::MemberTypes;
  using sluice::detail::TypeList;
  CHECK(kMemberCount<Point> == 2);
  CHECK(kMemberCount<Named> == 3);
  CHECK(kMemberCount<Mixed> == 16);
  CHECK(kMemberCount<Derived> == sluice::detail::kUncountable);
  CHECK(kMemberCount<TooMany> == sluice::detail::kUncountable);
  CHECK(kMemberCount<TooManyInArrays> == sluice::detail::kUncountable);
  CHECK(kMemberCount<NamelessUnion> == sluice::detail::kUncountable);
  CHECK(sluice::detail::kUnionMember<NamelessUnion> == 1);
  CHECK(sluice::detail::kUnionMember<UnionRow> == 1);
  CHECK(kMemberCount<HoldsRaw> == 4);
  CHECK(std::is_same_v<MemberTypes<Named>, TypeList<char[8], std::uint16_t[3], std::string>>);
  CHECK(std::is_same_v<MemberTypes<HoldsReference>, TypeList<int, const std::string&>>);
}
