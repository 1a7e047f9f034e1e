// unit/fetched_frame_test.cpp: a frame out of an archive, through bytes to where it is checked, and what is wrong
// with it.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_reader.hpp>
#include <fetched_frame.hpp>
#include <support/sample_tree.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>

#include <sluice/codec.hpp>

#include <string>
#include <utility>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;

struct Fetched {
  FetchedFrame frame;
  FrameDigests expected;
};

// As another process gets it.
template <class T>
T there(const T& value) {
  sluice::Bytes bytes;
  sluice::encode(value, bytes);
  return sluice::decode<T>({bytes.data(), bytes.size()});
}

// The second frame of an archive of three.
class FetchedFrameTest {
 public:
  FetchedFrameTest() {
    auto random = random_engine();
    scratch_.file("in/file", random_bytes(random, 2'500'000));
    static_cast<void>(pack_serially({scratch_ / "in"}, scratch_ / "archive", 1));
  }
  [[nodiscard]] Fetched fetch() const {
    const ArchiveReader archive(scratch_ / "archive");
    REQUIRE(archive.contents().frames().size() == 3);
    FetchedFrame frame = archive.fetch(1);
    FrameDigests expected = digests_of(archive.contents(), frame.record);
    REQUIRE(expected.chunks.size() > 20);
    return {there(frame), there(expected)};
  }
  [[nodiscard]] static std::string wrong_with(const Fetched& fetched) {
    return FrameLoader().verify(fetched.frame, fetched.expected);
  }

 private:
  Scratch scratch_;
};

}  // namespace

TEST_CASE_METHOD(FetchedFrameTest, "FetchedFrame: it is whole where it was sent to", "[pack]") {
  const Fetched fetched = fetch();
  CHECK(wrong_with(fetched) == "");
  ByteBuffer raw;
  CHECK(FrameLoader().load(fetched.frame, raw) == "");
  CHECK(raw.size() == fetched.frame.record.raw_bytes);
}

TEST_CASE_METHOD(FetchedFrameTest, "FetchedFrame: what is wrong is said with its place", "[pack]") {
  Fetched fetched = fetch();
  fetched.frame.bytes.data()[1000] ^= 1;
  CHECK(wrong_with(fetched) == "its checksum is wrong");
  CHECK(fetched.frame.fault("its checksum is wrong") ==
        "at byte " + std::to_string(fetched.frame.record.offset) +
            ": frame 1: its checksum is wrong; the archive is damaged, get another copy");
  // With a checksum that fits, the decompressor finds out.
  fetched.frame.bytes.data()[0] ^= 1;
  fetched.frame.record.checksum = checksum_of(fetched.frame.bytes.view());
  CHECK(wrong_with(fetched) != "");
}

TEST_CASE_METHOD(FetchedFrameTest, "FetchedFrame: a frame of another size is refused", "[pack]") {
  for (const int more : {-1, 1}) {
    Fetched fetched = fetch();
    fetched.frame.record.raw_bytes += static_cast<std::uint32_t>(more);
    CHECK(wrong_with(fetched) != "");
  }
}

TEST_CASE_METHOD(FetchedFrameTest,
                 "FetchedFrame: a chunk that is not what its digest says is named", "[pack]") {
  for (const std::size_t chunk : {std::size_t{0}, std::size_t{20}}) {
    Fetched fetched = fetch();
    fetched.expected.digests[chunk * kStoredDigestBytes] ^= 1;
    CHECK(wrong_with(fetched) ==
          "the digest of chunk " + std::to_string(fetched.expected.first + chunk) + " is wrong");
  }
}
