// bench/codec_steps.cpp: the subject of codec_instructions.sh: encodes, or decodes, one value many times.
//
//   codec_steps encode|decode raw|padded|texts|doubles|rows|block ITEMS
//
// SPDX-License-Identifier: MIT
#include <support/payloads.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace sluice::bench;

/// What is in memory may have changed, and is looked at: so nothing is left out.
inline void look_at(const void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

template <class T>
void pass(bool is_encode, std::size_t items) {
  const T value = payload<T>();
  sluice::Bytes bytes;
  sluice::encode(value, bytes);
  for (std::size_t i = 0; i < items; ++i) {
    if (is_encode) {
      bytes.clear();
      look_at(&value);
      sluice::encode(value, bytes);
      look_at(bytes.data());
    } else {
      look_at(bytes.data());
      const T back = sluice::decode<T>(bytes);
      look_at(&back);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) throw std::invalid_argument("usage: codec_steps encode|decode KIND ITEMS");
    const bool is_encode = std::string(argv[1]) == "encode";
    const std::string kind = argv[2];
    const std::size_t items = std::stoul(argv[3]);
    if (kind == "raw") {
      pass<Raw>(is_encode, items);
    } else if (kind == "padded") {
      pass<Padded>(is_encode, items);
    } else if (kind == "texts") {
      pass<Texts>(is_encode, items);
    } else if (kind == "doubles") {
      pass<Doubles>(is_encode, items);
    } else if (kind == "rows") {
      pass<std::vector<Padded>>(is_encode, items);
    } else if (kind == "block") {
      pass<sluice::SharedBytes>(is_encode, items);
    } else {
      throw std::invalid_argument("KIND is raw, padded, texts, doubles, rows or block, not " +
                                  kind);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "codec_steps: %s\n", error.what());
    return 1;
  }
}
