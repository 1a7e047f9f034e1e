// sluice/stages/ordered_lines.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/ordered_lines.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::stages {
namespace {

bool later(const NumberedLine& a, const NumberedLine& b) noexcept { return a.number > b.number; }

[[noreturn]] void throw_twice(std::uint64_t number) {
  throw std::runtime_error(
      fmt::format("line {} came twice; give each line its own number", number));
}

}  // namespace

void OrderedLines::add(NumberedLine&& line, TextWriter& writer) {
  if (line.number < next_) throw_twice(line.number);
  if (line.number > next_) {
    if (early_.size() == most_early_) {
      throw std::runtime_error(
          fmt::format("line {} is missing while {} later ones wait for it; raise early_lines, or "
                      "number the lines after the stage that drops some",
                      next_, most_early_));
    }
    early_.push_back(std::move(line));
    std::push_heap(early_.begin(), early_.end(), later);
    return;
  }
  writer.line(line.text);
  ++next_;
  while (!early_.empty() && early_.front().number <= next_) write_first(writer);
}

void OrderedLines::write_rest(TextWriter& writer) {
  while (!early_.empty()) write_first(writer);
}

void OrderedLines::write_first(TextWriter& writer) {
  std::pop_heap(early_.begin(), early_.end(), later);
  const NumberedLine line = std::move(early_.back());
  early_.pop_back();
  if (line.number < next_) throw_twice(line.number);
  writer.line(line.text);
  next_ = line.number + 1;
}

}  // namespace sluice::stages
