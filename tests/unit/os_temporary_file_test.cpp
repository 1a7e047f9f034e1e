// tests/unit/os_temporary_file_test.cpp: a file without a name holds what was written, and nothing
// is left.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scratch.hpp>

#include <sluice/os/temporary_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using sluice::detail::TemporaryFile;

}  // namespace

TEST_CASE("TemporaryFile: has no name, is not inherited, and reads back what was written", "[os]") {
  const Scratch scratch;
  const auto way = GENERATE(TemporaryFile::Way::unnamed, TemporaryFile::Way::unlinked);
  TemporaryFile file(scratch.path(), way);
  CHECK(std::filesystem::is_empty(scratch.path()));
  CHECK((::fcntl(file.descriptor().number(), F_GETFD) & FD_CLOEXEC) != 0);
  struct stat found = {};
  REQUIRE(::fstat(file.descriptor().number(), &found) == 0);
  CHECK(found.st_nlink == 0);
  CHECK((found.st_mode & 0777) == 0600);

  const std::vector<std::byte> bytes(100000, std::byte{7});
  file.write_at(5000, bytes);
  std::vector<std::byte> back(bytes.size());
  file.read_at(5000, back);
  CHECK(back == bytes);
  CHECK_THROWS_AS(file.read_at(5001, back), std::system_error);
  file.truncate(0);
  REQUIRE(::fstat(file.descriptor().number(), &found) == 0);
  CHECK(found.st_size == 0);
}

TEST_CASE("TemporaryFile: the error names the directory and says what to do", "[os]") {
  const Scratch scratch;
  const std::string missing = scratch / "missing";
  CHECK_THROWS_WITH(TemporaryFile(missing), Contains("in " + missing) && Contains("set TMPDIR") &&
                                                Contains("No such file or directory"));
}
