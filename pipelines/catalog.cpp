// pipelines/catalog.cpp: one line per sample.
// SPDX-License-Identifier: MIT
#include <catalog.hpp>

#include <word_count.hpp>

namespace sluice::samples {

std::vector<PipelineEntry> catalog() { return {word_count()}; }

}  // namespace sluice::samples
