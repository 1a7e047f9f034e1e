// pipelines/catalog.cpp: one line per sample.
// SPDX-License-Identifier: MIT
#include <catalog.hpp>

#include <find_duplicates.hpp>
#include <pack.hpp>
#include <pack_list.hpp>
#include <pack_verify.hpp>
#include <thumbnails.hpp>
#include <unpack.hpp>
#include <word_count.hpp>

namespace sluice::samples {

std::vector<PipelineEntry> catalog() {
  return {word_count(),      pack(),      unpack(), pack_list(), pack_verify(),
          find_duplicates(), thumbnails()};
}

}  // namespace sluice::samples
