// tests/processes/large_faults_test.cpp: as faults_test.cpp, with items so large that they travel in memory files of
// their own: records as a file per transaction (process/travelling_file), payloads as block files (process/block_*).
//
// Only calls by which such files come about, travel and are read. The others fail in faults_test.cpp.
// SPDX-License-Identifier: MIT
#include <processes/fault_runs.hpp>

#include <catch2/catch.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>

#include <cerrno>
#include <string>

namespace sluice {
namespace {

using testing_support::Call;
using testing_support::fail_each;
using testing_support::FaultTally;

// Starts take long under a sanitizer.
constexpr int kStep = testing_support::kUnderSanitizer ? 5 : 1;

void tell(const Call& call, const FaultTally& tally) {
  WARN(call.name << ": " << tally.faults << " made to fail, one by one; " << tally.exact
                 << " runs gave all, " << tally.refused << " said why not");
}

TEST_CASE(
    "Whichever call fails on the way of a large record, a run gives every output or one reason",
    "[process][faults]") {
  const auto call = GENERATE(values<Call>({{"memfd_create", EMFILE},
                                           {"memory write", ENOSPC},
                                           {"seal", EPERM},
                                           {"mmap", ENOMEM},
                                           {"fallocate", ENOSPC},
                                           {"ftruncate", ENOSPC},
                                           {"sendmsg", ENOBUFS},
                                           {"recvmsg", ENOMEM}}));
  CAPTURE(call.name);
  const FaultTally tally =
      fail_each(call,
                {SLUICE_FAULT_PROGRAM, "run", "parcels", "--quiet", "--carrier", "work=process",
                 "--count", "8", "--size", "300000", "--trouble", "once", "--every", "4"},
                "outputs 7 lost 0 doubled 0 corrupt 0", kStep);
  CHECK(tally.faults > 0);
  tell(call, tally);
}

// Two stages, so that payloads go from process to process. The sizes are those around which payloads become large.
TEST_CASE("Whichever call fails on the way of a payload, a run gives every output or one reason",
          "[process][faults]") {
  const auto call = GENERATE(values<Call>({{"memfd_create", EMFILE},
                                           {"seal", EPERM},
                                           {"mmap", ENOMEM},
                                           {"fallocate", ENOSPC},
                                           {"ftruncate", ENOSPC},
                                           {"sendmsg", ENOBUFS},
                                           {"recvmsg", ENOMEM}}));
  CAPTURE(call.name);
  const FaultTally tally = fail_each(
      call,
      {SLUICE_FAULT_BLOCKS_PROGRAM, "run", "crates", "--quiet", "--carrier", "pack=process",
       "--carrier", "check=process", "--count", "8", "--trouble", "once", "--every", "7"},
      "crates 8 lost 0 doubled 0 corrupt 0", kStep);
  CHECK(tally.faults > 0);
  tell(call, tally);
}

}  // namespace
}  // namespace sluice
