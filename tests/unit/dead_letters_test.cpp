// unit/dead_letters_test.cpp: dead letters as JSON lines, and which exit code counts most.
// SPDX-License-Identifier: MIT
#include <sluice/cli/dead_letters.hpp>
#include <sluice/cli/exit_code.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace sluice::detail {
namespace {

using Json = nlohmann::ordered_json;

TEST_CASE("base64 is that of RFC 4648, padding included", "[cli]") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\0\xff\xfe", 3)) == "AP/+");
}

TEST_CASE("a dead letter is one line of JSON with its whole history", "[cli]") {
  const std::string line = to_json_line({.stage = "parse",
                                         .worker = 2,
                                         .item = 7,
                                         .attempt = 3,
                                         .error = "bad\nline \xff",
                                         .label = "broken",
                                         .subject = "a.txt",
                                         .payload = "raw",
                                         .has_payload = true});
  CHECK(line.find('\n') == line.npos);
  const Json json = Json::parse(line);
  CHECK(json["stage"] == "parse");
  CHECK(json["worker"] == 2);
  CHECK(json["item"] == 7);
  CHECK(json["attempt"] == 3);
  CHECK(json["error"].get<std::string>().substr(0, 9) == "bad\nline ");
  CHECK(json["label"] == "broken");
  CHECK(json["subject"] == "a.txt");
  CHECK(json["payload"] == "cmF3");
}

TEST_CASE("a source's dead letter has no item and no payload", "[cli]") {
  const Json json = Json::parse(to_json_line({.stage = "read", .error = "no file"}));
  CHECK(json["item"].is_null());
  CHECK_FALSE(json.contains("payload"));
}

TEST_CASE("the exit code is the first that applies: 141, 1, 4, 130, 3, 0", "[cli]") {
  RunOutcome outcome{true, true, true, true, true};
  CHECK(static_cast<int>(exit_code(outcome)) == 141);
  outcome.closed_stdout = false;
  CHECK(static_cast<int>(exit_code(outcome)) == 1);
  outcome.failed = false;
  CHECK(static_cast<int>(exit_code(outcome)) == 4);
  outcome.late = false;
  CHECK(static_cast<int>(exit_code(outcome)) == 130);
  outcome.interrupted = false;
  CHECK(static_cast<int>(exit_code(outcome)) == 3);
  outcome.dead_letters = false;
  CHECK(static_cast<int>(exit_code(outcome)) == 0);
}

}  // namespace
}  // namespace sluice::detail
