// pipelines/duplicate_report.cpp
// SPDX-License-Identifier: MIT
#include <duplicate_report.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace sluice::samples {
namespace {

constexpr std::size_t kSetsPerCall = 256;

}  // namespace

std::string json_of_path(const std::string& path) {
  try {
    return nlohmann::json(path).dump();
  } catch (const nlohmann::json::type_error&) {  // no UTF-8
    std::string hex;
    for (const char byte : path) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return fmt::format(R"({{"hex":"{}"}})", hex);
  }
}

void SortSets::process(const DuplicateJob& set, Emitter<std::string>&) {
  Set made{.size_bytes = set.size_bytes};
  for (const FileId id : set.members) {
    made.paths.push_back(set.files->path(id));
    for (const FileId alias : set.files->aliases_of(id)) {
      made.paths.push_back(set.files->path(alias));
    }
  }
  std::sort(made.paths.begin(), made.paths.end());
  sets_.push_back(std::move(made));
}

// True while there is more to emit.
bool SortSets::finish(Emitter<std::string>& out) {
  if (!std::exchange(sorted_, true)) {
    std::sort(sets_.begin(), sets_.end(),
              [](const Set& a, const Set& b) { return a.paths.front() < b.paths.front(); });
    if (json_) out.emit("[");
  }
  const std::size_t end = std::min(sets_.size(), next_ + kSetsPerCall);
  for (; next_ < end; ++next_) emit_lines(sets_[next_], next_ == 0, out);
  if (next_ < sets_.size()) return true;
  if (json_) out.emit("]");
  return false;
}

void SortSets::emit_lines(const Set& set, bool is_first, Emitter<std::string>& out) const {
  if (json_) {
    const bool is_last = &set == &sets_.back();
    return out.emit(json_of(set) + (is_last ? "" : ","));
  }
  if (!is_first) out.emit("");
  for (const std::string& path : set.paths) out.emit(path);
}

std::string SortSets::json_of(const Set& set) {
  std::string text = fmt::format(R"({{"size":{},"paths":[)", set.size_bytes);
  for (const std::string& path : set.paths) {
    if (&path != &set.paths.front()) text += ',';
    text += json_of_path(path);
  }
  return text + "]}";
}

}  // namespace sluice::samples
