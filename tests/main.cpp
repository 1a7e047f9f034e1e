// tests/main.cpp: Catch2's main and what surrounds every test case: resource guard, watchdog, seed.
// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#include <support/resource_guard.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace sluice::testing_support {
namespace {

// A test case runs once for each of its innermost sections. A run is the outermost section, so that is
// what the guard compares and the watchdog times.
class Surroundings : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void sectionStarting(const Catch::SectionInfo& section) override {
    TestEventListenerBase::sectionStarting(section);
    if (depth_++ == 0) {
      before_ = Resources::now();
      Watchdog::arm(section.name);
    }
  }

  void sectionEnded(const Catch::SectionStats& section) override {
    if (--depth_ == 0) {
      Watchdog::disarm();
      if (const std::string leaked = Resources::leaked_since(*before_); !leaked.empty()) {
        FAIL_CHECK("the test leaks:\n" << leaked);
      }
      if (section.assertions.total() == 0) {
        FAIL_CHECK("the test asserts nothing; SUCCEED() says that arriving here is the point");
      }
    }
    TestEventListenerBase::sectionEnded(section);
  }

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    TestEventListenerBase::testCaseStarting(test);
    forget_seed_use();
  }

  void testCaseEnded(const Catch::TestCaseStats& test) override {
    if (test.totals.assertions.failed > 0 && seed_was_used()) {
      std::cout << "repeat with: SLUICE_SEED=" << seed() << ' '
                << std::filesystem::read_symlink("/proc/self/exe").string() << " '"
                << test.testInfo.name << "'\n";
    }
    TestEventListenerBase::testCaseEnded(test);
  }

 private:
  int depth_ = 0;
  std::optional<Resources> before_;
};

CATCH_REGISTER_LISTENER(Surroundings)

}  // namespace
}  // namespace sluice::testing_support
