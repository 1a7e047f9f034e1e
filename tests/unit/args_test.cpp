// unit/args_test.cpp: arguments of a pipeline: declared or found by asking, right or refused.
// SPDX-License-Identifier: MIT
#include <sluice/cli/arg_table.hpp>
#include <sluice/cli/suggest.hpp>
#include <sluice/cli/values.hpp>
#include <sluice/error.hpp>
#include <sluice/main.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Words = std::vector<std::string>;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

PipelineEntry with(std::vector<ArgSpec> specs) {
  return {.name = "sample", .args = std::move(specs), .build = [](Pipeline&, const Args&) {}};
}

template <class Ask>
PipelineEntry asking(Ask ask) {
  return {.name = "sample", .build = [ask](Pipeline&, const Args& args) { ask(args); }};
}

std::string refusal(const PipelineEntry& entry, const Words& words) {
  try {
    const Args args = parse_args(entry, words);
    static_cast<void>(build(entry, args));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST_CASE("numbers are digits only, in range, and nothing else", "[cli]") {
  CHECK(detail::parse_number("--n", "0") == 0);
  CHECK(detail::parse_number("--n", "18446744073709551615") == kMost);
  for (const char* const word : {"", " 1", "1 ", "-1", "+1", "1.5", "0x10", "1K", "abc"}) {
    INFO(word);
    CHECK_THROWS_WITH(detail::parse_number("--n", word),
                      Contains("--n: \"") && Contains("is not a number; give"));
  }
  CHECK_THROWS_WITH(detail::parse_number("--n", "18446744073709551616"), Contains("too large"));
}

TEST_CASE("sizes take the suffixes of 1024 and refuse what would overflow", "[cli]") {
  CHECK(detail::parse_size("--s", "0") == 0);
  CHECK(detail::parse_size("--s", "17") == 17);
  CHECK(detail::parse_size("--s", "17B") == 17);
  CHECK(detail::parse_size("--s", "64K") == 65536);
  CHECK(detail::parse_size("--s", "64k") == 65536);
  CHECK(detail::parse_size("--s", "1KB") == 1024);
  CHECK(detail::parse_size("--s", "3MiB") == 3 * 1024 * 1024);
  CHECK(detail::parse_size("--s", "2G") == std::uint64_t{2} << 30);
  CHECK(detail::parse_size("--s", "16777215T") == std::uint64_t{16777215} << 40);
  for (const char* const word : {"", "K", "1.5K", "-1K", "1X", "1Kb", "1 K", "1KiBs"}) {
    INFO(word);
    CHECK_THROWS_WITH(detail::parse_size("--s", word), Contains("is not a size"));
  }
  CHECK_THROWS_WITH(detail::parse_size("--s", "16777216T"), Contains("too large"));
}

TEST_CASE("seconds are decimal and not negative", "[cli]") {
  CHECK(detail::parse_seconds("--grace", "0") == 0);
  CHECK(detail::parse_seconds("--grace", "2.5") == 2.5);
  for (const char* const word : {"", "-1", "-0", "inf", "nan", "1e3", "10s", "x"}) {
    INFO(word);
    CHECK_THROWS_AS(detail::parse_seconds("--grace", word), UsageError);
  }
}

TEST_CASE("an assignment is cut at the last equals sign", "[cli]") {
  CHECK(detail::parse_assignment("--workers", "a=b=4") ==
        std::pair<std::string, std::string>("a=b", "4"));
  for (const char* const word : {"", "a", "=4", "a=", "="}) {
    INFO(word);
    CHECK_THROWS_AS(detail::parse_assignment("--workers", word), UsageError);
  }
}

TEST_CASE("a near name is suggested, a far one gets the list", "[cli]") {
  CHECK(detail::edit_distance("", "abc") == 3);
  CHECK(detail::edit_distance("kitten", "sitting") == 3);
  CHECK(detail::edit_distance("cuont", "count") == 1);  // neighbours swapped
  CHECK(detail::nearest("wrd_count", {"sort", "word_count"}) == "word_count");
  CHECK(detail::nearest("wo", {"sort", "word_count"}) == "word_count");  // a beginning
  CHECK_FALSE(detail::nearest("zzz", {"sort", "word_count"}).has_value());
  CHECK(detail::did_you_mean("cuont", {"count"}) == "; did you mean count?");
  CHECK(detail::did_you_mean("x", {"read", "count"}) == "; there are read, count");
  CHECK(detail::did_you_mean("x", {}).empty());
}

TEST_CASE("declared arguments are taken by name and by place", "[cli]") {
  const PipelineEntry entry =
      with({{.name = "first", .kind = ArgKind::path, .positional = true},
            {.name = "top", .kind = ArgKind::number, .fallback = "10"},
            {.name = "block", .kind = ArgKind::size, .fallback = "64K"},
            {.name = "fast", .kind = ArgKind::flag},
            {.name = "more", .kind = ArgKind::path, .positional = true, .many = true}});
  const Args defaults = parse_args(entry, {"a", "b"});
  CHECK(defaults.path("first") == "a");
  CHECK(defaults.number("top") == 10);
  CHECK(defaults.size("block") == 65536);
  CHECK_FALSE(defaults.flag("fast"));
  CHECK_THAT(defaults.paths("more"), Equals(Words{"b"}));

  const Args given = parse_args(entry, {"--top=3", "a", "--fast", "b", "--block", "1M", "c"});
  CHECK(given.path("first") == "a");
  CHECK(given.number("top") == 3);
  CHECK(given.size("block") == 1 << 20);
  CHECK(given.flag("fast"));
  CHECK_THAT(given.paths("more"), Equals(Words{"b", "c"}));

  const Args named = parse_args(entry, {"--first", "a", "--more", "b", "c"});
  CHECK(named.path("first") == "a");
  CHECK_THAT(named.paths("more"), Equals(Words{"b", "c"}));
}

TEST_CASE("words after a bare -- are values, whatever they look like", "[cli]") {
  const PipelineEntry entry = with({{.name = "words", .positional = true, .many = true},
                                    {.name = "fast", .kind = ArgKind::flag}});
  const Args args = parse_args(entry, {"a", "--", "--fast", "-x"});
  CHECK_THAT(args.texts("words"), Equals(Words{"a", "--fast", "-x"}));
  CHECK_FALSE(args.flag("fast"));
}

TEST_CASE("an empty fallback means that nothing was given", "[cli]") {
  const PipelineEntry entry = with({{.name = "output", .kind = ArgKind::path, .fallback = ""},
                                    {.name = "label", .fallback = "", .many = true}});
  const Args none = parse_args(entry, {});
  CHECK(none.path("output").empty());
  CHECK(none.texts("label").empty());
  const Args some = parse_args(entry, {"--label", "a", "--label", "b", "--output", "o"});
  CHECK(some.path("output") == "o");
  CHECK_THAT(some.texts("label"), Equals(Words{"a", "b"}));
}

TEST_CASE("wrong words are refused with the argument and the value", "[cli]") {
  const PipelineEntry entry =
      with({{.name = "in", .kind = ArgKind::path, .positional = true},
            {.name = "top", .kind = ArgKind::number, .fallback = "10"},
            {.name = "block", .kind = ArgKind::size, .fallback = "1"},
            {.name = "mode", .fallback = "slow", .choices = {"slow", "fast"}}});
  CHECK_THAT(refusal(entry, {}), Contains("--in is missing; give a bare word or --in PATH"));
  CHECK_THAT(refusal(entry, {""}), Contains("--in: the path is empty"));
  CHECK_THAT(refusal(entry, {"a", "b"}), Contains("unexpected word \"b\""));
  CHECK_THAT(refusal(entry, {"a", "--tpo", "3"}), Contains("no option --tpo; did you mean --top?"));
  CHECK_THAT(refusal(entry, {"a", "--tpo=3"}), Contains("no option --tpo; did you mean --top?"));
  CHECK_THAT(refusal(entry, {"a", "--top"}), Contains("--top needs a value"));
  CHECK_THAT(refusal(entry, {"a", "--top", "--block", "1"}),
             Contains("--top needs a value, found the option --block"));
  CHECK_THAT(refusal(entry, {"a", "--top", "x"}), Contains("--top: \"x\" is not a number"));
  CHECK_THAT(refusal(entry, {"a", "--top", "1", "--top", "2"}),
             Contains("--top is given 2 times: 1, 2; give it once"));
  CHECK_THAT(refusal(entry, {"a", "--in", "b"}), Contains("--in is given 2 times"));
  CHECK_THAT(refusal(entry, {"a", "--block", "1X"}), Contains("--block: \"1X\" is not a size"));
  CHECK_THAT(refusal(entry, {"a", "--mode", "fats"}),
             Contains("--mode: \"fats\" is not a choice; did you mean fast?"));
}

TEST_CASE("a builder that asks for what is not declared is refused", "[cli]") {
  PipelineEntry entry = with({{.name = "top", .kind = ArgKind::number, .fallback = "10"}});
  entry.build = [](Pipeline&, const Args& args) { static_cast<void>(args.number("tpo")); };
  CHECK_THAT(refusal(entry, {}), Contains("\"tpo\"") && Contains("did you mean top?"));
  entry.build = [](Pipeline&, const Args& args) { static_cast<void>(args.text("top")); };
  CHECK_THAT(refusal(entry, {}), Contains("as text, but it is number"));
  entry.build = [](Pipeline&, const Args& args) { static_cast<void>(args.paths("top")); };
  CHECK_THAT(refusal(entry, {}), Contains("as a list of path, but it is number"));
  entry.build = [](Pipeline&, const Args& args) { static_cast<void>(args.number("top", 3)); };
  CHECK_THAT(refusal(entry, {}), Contains("belongs into the declaration"));
}

TEST_CASE("declarations that no command line could follow are faults", "[cli]") {
  const auto fault = [](std::vector<ArgSpec> specs) {
    const auto faults = detail::arg_faults(specs);
    return faults.empty() ? std::string("no fault") : faults.front();
  };
  CHECK(fault({{.name = "good", .fallback = "x"}}) == "no fault");
  CHECK_THAT(fault({{.name = "Bad"}}), Contains("lower case"));
  CHECK_THAT(fault({{.name = "-bad"}}), Contains("lower case"));
  CHECK_THAT(fault({{.name = ""}}), Contains("lower case"));
  CHECK_THAT(fault({{.name = "workers"}}), Contains("an option of the command line"));
  CHECK_THAT(fault({{.name = "twice"}, {.name = "twice"}}), Contains("declared twice"));
  CHECK_THAT(fault({{.name = "n", .kind = ArgKind::number, .fallback = "ten"}}),
             Contains("fallback") && Contains("\"ten\""));
  CHECK_THAT(fault({{.name = "n", .kind = ArgKind::number, .fallback = ""}}),
             Contains("is not a number"));
  CHECK_THAT(fault({{.name = "f", .kind = ArgKind::flag, .positional = true}}), Contains("a flag"));
  CHECK_THAT(fault({{.name = "p", .kind = ArgKind::path, .choices = {"a"}}}), Contains("choices"));
  CHECK_THAT(fault({{.name = "all", .positional = true, .many = true},
                    {.name = "late", .positional = true}}),
             Contains("\"late\"") && Contains("all words go to \"all\""));
}

TEST_CASE("arguments that are not declared are found by asking the builder", "[cli]") {
  struct Seen {
    std::string input;
    std::uint64_t n = 0;
    bool more = false;
    Words rest;
  };
  const auto seen = std::make_shared<Seen>();
  const PipelineEntry entry = asking([seen](const Args& args) {
    seen->input = args.path("input");
    seen->n = args.number("n", 4);
    seen->more = args.flag("more");
    if (seen->more) seen->rest = args.texts("rest");
  });
  static_cast<void>(build(entry, parse_args(entry, {"a.txt"})));
  CHECK(seen->input == "a.txt");
  CHECK(seen->n == 4);

  static_cast<void>(build(entry, parse_args(entry, {"--n", "9", "--input", "b.txt"})));
  CHECK(seen->input == "b.txt");
  CHECK(seen->n == 9);

  // The question that only --more makes it ask is found, too.
  static_cast<void>(build(entry, parse_args(entry, {"a.txt", "--more", "x", "y"})));
  CHECK_THAT(seen->rest, Equals(Words{"x", "y"}));

  CHECK_THAT(refusal(entry, {}), Contains("--input is missing"));
  CHECK_THAT(refusal(entry, {"a", "b"}), Contains("unexpected word \"b\""));
  CHECK_THAT(refusal(entry, {"a", "--m"}), Contains("no option --m"));
  CHECK_THAT(refusal(entry, {"a", "--n", "x"}), Contains("--n: \"x\" is not a number"));
  CHECK_THAT(refusal(entry, {"a", "--more"}), Contains("--rest is missing"));
}

TEST_CASE("words that fit no known argument yet do not fail the search for more", "[cli]") {
  const auto n = std::make_shared<std::uint64_t>();
  const PipelineEntry entry = asking([n](const Args& args) {
    if (args.flag("scaled")) static_cast<void>(args.text("unit"));
    *n = args.number("n");
  });
  // At first "km" looks like the number's word.
  static_cast<void>(build(entry, parse_args(entry, {"--scaled", "--unit", "km", "7"})));
  CHECK(*n == 7);
}

TEST_CASE("a builder that refuses stand-in values still gets its real ones", "[cli]") {
  const auto ran = std::make_shared<bool>(false);
  const PipelineEntry entry = asking([ran](const Args& args) {
    if (args.path("input") != "real") throw UsageError("not real");
    *ran = args.number("n", 1) == 2;
  });
  static_cast<void>(build(entry, parse_args(entry, {"real", "--n", "2"})));
  CHECK(*ran);
  CHECK_THAT(refusal(entry, {"other"}), Contains("not real"));
}

TEST_CASE("a builder that asks one name as two kinds is refused", "[cli]") {
  const PipelineEntry entry = asking([](const Args& args) {
    static_cast<void>(args.number("n", 1));
    static_cast<void>(args.text("n", "1"));
  });
  CHECK_THAT(refusal(entry, {}), Contains("\"n\"") && Contains("as text, but it is number"));
  const PipelineEntry reserved =
      asking([](const Args& args) { static_cast<void>(args.path("report")); });
  CHECK_THAT(refusal(reserved, {"x"}), Contains("an option of the command line"));
}

TEST_CASE("a builder that asks for ever new names is refused", "[cli]") {
  const auto calls = std::make_shared<int>(0);
  const PipelineEntry entry = asking(
      [calls](const Args& args) { static_cast<void>(args.flag("f" + std::to_string(++*calls))); });
  CHECK_THAT(refusal(entry, {}), Contains("more and more arguments"));
}

}  // namespace
}  // namespace sluice
