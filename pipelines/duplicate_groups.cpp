// pipelines/duplicate_groups.cpp: files by size, names of one file together.
// SPDX-License-Identifier: MIT
#include <duplicate_jobs.hpp>

#include <algorithm>
#include <tuple>

namespace sluice::samples {
namespace {

constexpr std::size_t kGroupsPerCall = 64;

}  // namespace

// Parts of `first` have that one member more, at their beginning.
void add_jobs(DuplicateJob group, std::size_t most_members, std::vector<DuplicateJob>& to) {
  const bool shared = group.step == DuplicateStep::first;
  std::vector<FileId> all = std::move(group.members);
  const auto begin = all.begin() + (shared ? 1 : 0);
  const std::size_t each = most_members - (shared ? 1 : 0);
  group.group_members = static_cast<std::size_t>(all.end() - begin);
  for (std::size_t at = 0; at < group.group_members; at += each) {
    const std::size_t end = std::min(group.group_members, at + each);
    DuplicateJob part = group;
    if (shared) part.members.push_back(all.front());
    part.members.insert(part.members.end(), begin + static_cast<std::ptrdiff_t>(at),
                        begin + static_cast<std::ptrdiff_t>(end));
    to.push_back(std::move(part));
  }
}

// True while there is more to emit.
bool GroupBySize::finish(Emitter<DuplicateJob>& out) {
  if (context_->stop_token().stop_requested()) {  // not all files are known: there is no result
    context_->cancel();
    return false;
  }
  if (!std::exchange(grouped_, true)) {
    group_all();
    files_number_ = hand_over_->put(files_);
  }
  const std::size_t end = std::min(groups_.size(), next_ + kGroupsPerCall);
  std::vector<DuplicateJob> jobs;
  for (; next_ < end; ++next_) {
    Group& group = groups_[next_];
    DuplicateJob job{.files = files_,
                     .files_number = files_number_,
                     .size_bytes = group.size_bytes,
                     .members = std::move(group.members)};
    if (job.members.size() == 1) {
      job.step = DuplicateStep::equal;  // one file with several names
    } else if (job.members.size() > limits_.most_members) {
      job.step = DuplicateStep::heads;
      job.group = 2 * large_groups_++;  // even; those of settle are odd
      add_jobs(std::move(job), limits_.most_members, jobs);
      continue;
    }
    jobs.push_back(std::move(job));
  }
  for (DuplicateJob& job : jobs) out.emit(std::move(job));
  return next_ < groups_.size();
}

// The largest first: a large one at the end would keep one core busy while the others have nothing to do.
void GroupBySize::group_all() {
  std::size_t count = 0;
  for (const FileBatch& batch : files_->batches()) count += batch.files.size();
  std::vector<Sized> sized;
  sized.reserve(count);
  for (std::uint32_t batch = 0; batch < files_->batches().size(); ++batch) {
    const std::vector<FoundFile>& files = files_->batches()[batch].files;
    for (std::uint32_t at = 0; at < files.size(); ++at) {
      sized.push_back({files[at].size_bytes, {batch, at}});
    }
  }
  std::sort(sized.begin(), sized.end(),
            [](const Sized& a, const Sized& b) { return a.size_bytes > b.size_bytes; });
  for (auto begin = sized.cbegin(); begin != sized.cend();) {
    const auto end = std::find_if(
        begin, sized.cend(), [&](const Sized& one) { return one.size_bytes != begin->size_bytes; });
    if (end - begin > 1) group(begin, end);
    begin = end;
  }
  std::sort(files_->aliases.begin(), files_->aliases.end());
}

// Members stand in the order of their inodes, which is how a disk likes to be read.
void GroupBySize::group(std::vector<Sized>::const_iterator begin,
                        std::vector<Sized>::const_iterator end) {
  const auto identity = [this](FileId id) {
    const auto& found = (*files_)[id].identity;
    return std::tuple(found.device, found.number);
  };
  std::vector<FileId> all;
  for (auto one = begin; one != end; ++one) all.push_back(one->id);
  std::sort(all.begin(), all.end(), [&](FileId a, FileId b) { return identity(a) < identity(b); });
  const std::size_t aliases_before = files_->aliases.size();
  std::vector<FileId> members;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t next = i + 1;
    while (next < all.size() && identity(all[next]) == identity(all[i])) ++next;
    members.push_back(next == i + 1
                          ? all[i]
                          : keep_names({all.begin() + static_cast<std::ptrdiff_t>(i),
                                        all.begin() + static_cast<std::ptrdiff_t>(next)}));
    i = next;
  }
  if (members.size() < 2 && files_->aliases.size() == aliases_before) return;
  members.shrink_to_fit();
  groups_.push_back({begin->size_bytes, std::move(members)});
}

// Of names of one file the first stands for it; with --hard-links the others are remembered. A name that was
// reached by two paths (`a ./a`, `a a/b`) is one name: the same in the same directory.
FileId GroupBySize::keep_names(std::vector<FileId> names) {
  const auto less = [this](FileId a, FileId b) { return files_->path(a) < files_->path(b); };
  if (!hard_links_) return *std::min_element(names.begin(), names.end(), less);
  const auto entry = [this](FileId id) {
    const auto& directory = files_->batch(id).directory;
    return std::tuple(directory.device, directory.number, files_->name(id));
  };
  std::sort(names.begin(), names.end(), [&](FileId a, FileId b) {
    return entry(a) != entry(b) ? entry(a) < entry(b) : less(a, b);
  });
  names.erase(std::unique(names.begin(), names.end(),
                          [&](FileId a, FileId b) { return entry(a) == entry(b); }),
              names.end());
  std::sort(names.begin(), names.end(), less);
  for (std::size_t i = 1; i < names.size(); ++i) {
    files_->aliases.emplace_back(names.front(), names[i]);
  }
  return names.front();
}

}  // namespace sluice::samples
