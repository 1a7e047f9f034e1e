// pipelines/pack_walk.cpp
// SPDX-License-Identifier: MIT
#include <pack_walk.hpp>

#include <chrono>
#include <utility>

namespace sluice::samples {
namespace {

// A job ends with the entry that fills it, or before one that would make it too large.
constexpr std::uint64_t kJobBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostJobBytes = FileRange::kMostBytes;
constexpr std::size_t kJobParts = 256;
// A slow file system must not keep the others waiting for what was found already.
constexpr std::chrono::milliseconds kGatherFor{1};

}  // namespace

PackSource::PackSource(std::vector<std::string> paths, std::string output, int level,
                       std::shared_ptr<ArchiveHandOver> hand_over)
    : paths_(std::move(paths)),
      output_(std::move(output)),
      level_(level),
      hand_over_(std::move(hand_over)) {}

void PackSource::start(Context& context) {
  context_ = &context;
  auto archive = std::make_unique<ArchiveWriter>(output_, level_);
  walk_.emplace(paths_, archive->identities());
  archive_ = hand_over_->put(std::move(archive));
}

bool PackSource::next(Emitter<PackJob>& out) {
  PackJob job;
  fill(job);
  job.complete = ended_;
  if (job.complete || !job.parts.empty()) {
    job.archive = archive_;
    job.number = jobs_++;
    out.emit(std::move(job));
  }
  return !ended_;
}

void PackSource::finish(Emitter<PackJob>&) {
  if (!ended_) give_up(*context_);
}

void PackSource::fill(PackJob& job) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + kGatherFor;
  std::uint64_t bytes = 0;
  while (bytes < kJobBytes && job.parts.size() < kJobParts) {
    std::optional<EntryPart> part = std::exchange(held_, std::nullopt);
    if (!part) part = next_part();
    if (!part) {
      if (ended_ || Clock::now() >= until) return;
      continue;
    }
    if (bytes > 0 && bytes + part->range.size_bytes > kMostJobBytes) {
      held_ = std::move(part);
      return;
    }
    // Progress is counted here, where the total is known: it runs ahead by what the edge holds.
    context_->add_bytes(part->range.size_bytes);
    bytes += part->range.size_bytes;
    job.parts.push_back(std::move(*part));
    if (Clock::now() >= until) return;
  }
}

// Nothing, when what was found is no entry, or at the end.
std::optional<EntryPart> PackSource::next_part() {
  if (large_) return next_range();
  TreeWalk::Found found = walk_->next();
  switch (found.kind) {
    case TreeWalk::Kind::entry:
      return part_of(std::move(found.entry));
    case TreeWalk::Kind::skipped:
      context_->dead(std::move(found.subject), std::move(found.words));
      break;
    case TreeWalk::Kind::note:
      context_->log(found.subject + ": " + found.words);
      break;
    case TreeWalk::Kind::end:
      ended_ = true;
      break;
  }
  return std::nullopt;
}

std::optional<EntryPart> PackSource::part_of(TreeEntry entry) {
  if (entry.kind != EntryKind::file) return EntryPart{.entry = std::move(entry)};
  context_->expect_bytes(entry.inode.size_bytes);
  large_ = std::move(entry);
  next_offset_ = 0;
  return next_range();
}

EntryPart PackSource::next_range() {
  EntryPart part{.range = FileRange::at(next_offset_, large_->inode.size_bytes)};
  next_offset_ = part.range.end();
  if (next_offset_ == large_->inode.size_bytes) {
    part.entry = *std::exchange(large_, std::nullopt);
  } else {
    part.entry = *large_;
  }
  return part;
}

}  // namespace sluice::samples
