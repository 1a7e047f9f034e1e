// pipelines/duplicate_jobs.cpp
// SPDX-License-Identifier: MIT
#include <duplicate_jobs.hpp>

#include <algorithm>
#include <stdexcept>

namespace sluice::samples {

// The number of workers is known first when the run has begun.
ContentComparer& ExamineFiles::comparer(const Context& context) {
  if (!comparer_) {
    CompareOptions options = limits_.compare;
    options.open_files = std::min(options.open_files, limits_.open_files / context.workers());
    comparer_.emplace(options);
  }
  return *comparer_;
}

DuplicateVerdict ExamineFiles::operator()(DuplicateJob job, Context& context) {
  DuplicateVerdict verdict{.job = std::move(job)};
  if (verdict.job.is_done()) return verdict;
  if (context.stop_token().stop_requested()) {  // half a result would be taken for a whole one
    context.cancel();
    return verdict;
  }
  examine(verdict, context);
  answer_to_lender(verdict);
  return verdict;
}

void ExamineFiles::examine(DuplicateVerdict& verdict, Context& context) {
  const DuplicateJob& todo = verdict.job;
  context.add_bytes(todo.members.size() * todo.size_bytes);
  if (todo.step == DuplicateStep::heads || todo.step == DuplicateStep::whole) {
    return hash(verdict, context);
  }
  using Undecided = ContentComparer::Undecided;
  verdict.classes = comparer(context).compare(
      *todo.files, todo.members, todo.size_bytes,
      todo.step == DuplicateStep::first ? Undecided::refused : Undecided::allowed);
  if (todo.step != DuplicateStep::compare) return;
  for (const FailedFile& failed : verdict.classes.failed) {
    tell_failed(*todo.files, failed, context);
  }
}

void ExamineFiles::hash(DuplicateVerdict& verdict, Context& context) {
  const DuplicateJob& todo = verdict.job;
  const std::uint64_t bytes =
      todo.step == DuplicateStep::heads
          ? std::min<std::uint64_t>(todo.size_bytes, ContentComparer::kHeadBytes)
          : todo.size_bytes;
  for (const FileId id : todo.members) {
    try {
      verdict.hashes.emplace_back(comparer(context).hash(*todo.files, id, bytes), id);
    } catch (const std::runtime_error& error) {
      tell_failed(*todo.files, {id, error.what()}, context);
    }
  }
}

void tell_failed(const FoundFiles& files, const FailedFile& failed, Context& context) {
  context.dead(files.path(failed.file), failed.reason);
  for (const FileId alias : files.aliases_of(failed.file)) {
    context.dead(files.path(alias),
                 "another name of " + files.path(failed.file) + ", which failed");
  }
}

void SettleGroups::process(DuplicateVerdict verdict, Emitter<DuplicateJob>& out) {
  if (files_ == nullptr) files_ = taker_.take(verdict.job.files_number);
  verdict.job.files = files_;
  if (verdict.job.is_done()) return out.emit(std::move(verdict.job));
  if (verdict.job.step != DuplicateStep::compare) return gather(verdict, out);
  for (std::vector<FileId>& equal : verdict.classes.equal) {
    send(verdict.job, DuplicateStep::equal, std::move(equal), out);
  }
  for (std::vector<FileId>& alike : verdict.classes.alike) {
    send(verdict.job, DuplicateStep::compare, std::move(alike), out);
  }
}

void SettleGroups::gather(DuplicateVerdict& verdict, Emitter<DuplicateJob>& out) {
  const DuplicateJob& job = verdict.job;
  LargeGroup& group = large_[job.group];
  group.seen += job.members.size();
  if (job.step == DuplicateStep::first) {
    --group.seen;  // the first one is in all parts
    gather_first(verdict, group);
  } else {
    group.hashes.insert(group.hashes.end(), verdict.hashes.begin(), verdict.hashes.end());
  }
  if (group.seen < job.group_members) return;
  LargeGroup complete = std::move(group);
  large_.erase(job.group);
  if (job.step == DuplicateStep::first) {
    close_first(job, std::move(complete), out);
  } else {
    close(job, std::move(complete), out);
  }
}

// Sorts a part's members into those that equal the first one, those that don't, and those that failed.
void SettleGroups::gather_first(DuplicateVerdict& verdict, LargeGroup& group) {
  const DuplicateJob& job = verdict.job;
  const FileId first = job.members.front();
  std::vector<FileId> gone;
  for (const FailedFile& failed : verdict.classes.failed) {
    gone.push_back(failed.file);
    if (failed.file == first) {
      group.failed = failed.reason;
    } else {
      tell_failed(*job.files, failed, *context_);
    }
  }
  std::vector<FileId> equal;
  for (std::vector<FileId>& one : verdict.classes.equal) {
    if (std::find(one.begin(), one.end(), first) != one.end()) equal = std::move(one);
  }
  const auto is_in = [](const std::vector<FileId>& ids, FileId id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  for (std::size_t i = 1; i < job.members.size(); ++i) {
    const FileId id = job.members[i];
    if (is_in(gone, id)) continue;
    (is_in(equal, id) ? group.equal : group.others).push_back(id);
  }
}

void SettleGroups::close_first(const DuplicateJob& job, LargeGroup group,
                               Emitter<DuplicateJob>& out) {
  const FileId first = job.members.front();
  if (!group.failed.empty()) {  // nothing to compare with: the others begin again
    tell_failed(*job.files, {first, group.failed}, *context_);
    group.others.insert(group.others.end(), group.equal.begin(), group.equal.end());
  } else if (!group.equal.empty()) {
    group.equal.push_back(first);
    send(job, DuplicateStep::equal, std::move(group.equal), out);
  }
  send(job, DuplicateStep::compare, std::move(group.others), out);
}

void SettleGroups::close(const DuplicateJob& job, LargeGroup group, Emitter<DuplicateJob>& out) {
  std::vector<std::pair<ContentHash, FileId>>& hashes = group.hashes;
  std::sort(hashes.begin(), hashes.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool only_heads =
      job.step == DuplicateStep::heads && job.size_bytes > ContentComparer::kHeadBytes;
  for (std::size_t begin = 0; begin < hashes.size();) {
    std::vector<FileId> same;
    std::size_t end = begin;
    for (; end < hashes.size() && hashes[end].first == hashes[begin].first; ++end) {
      same.push_back(hashes[end].second);
    }
    const bool many = same.size() > limits_.most_members;
    send(job, many && only_heads ? DuplicateStep::whole : DuplicateStep::compare, std::move(same),
         out);
    begin = end;
  }
}

// Files that are too many to be compared at once are compared with one of them, in parts.
void SettleGroups::send(const DuplicateJob& like, DuplicateStep step, std::vector<FileId> members,
                        Emitter<DuplicateJob>& out) {
  if (members.size() < 2) return;
  DuplicateJob job{.files = like.files,
                   .files_number = like.files_number,
                   .step = step,
                   .size_bytes = like.size_bytes,
                   .members = std::move(members)};
  if (step == DuplicateStep::equal || job.members.size() <= limits_.most_members) {
    return out.emit(std::move(job));
  }
  if (step == DuplicateStep::compare) job.step = DuplicateStep::first;
  job.group = 2 * large_groups_++ + 1;  // odd; those of GroupBySize are even
  std::vector<DuplicateJob> jobs;
  add_jobs(std::move(job), limits_.most_members, jobs);
  for (DuplicateJob& part : jobs) out.emit(std::move(part));
}

}  // namespace sluice::samples
