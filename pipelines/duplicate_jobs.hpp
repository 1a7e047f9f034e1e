// pipelines/duplicate_jobs.hpp: the stages of find_duplicates that find out which files are equal.
//
//   group ==jobs==> examine x cores ==verdicts==> settle ==jobs==> back to examine
//                                                        ==equal files==> sort
//
// Up to `most_members` files of one size are one job, compared as they are. More are first told apart by the
// hashes of their heads, on all cores, then by those of all their bytes; what is still together is compared with
// one of them, in jobs that all cores share. Only comparing calls files equal.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <content_comparer.hpp>
#include <duplicate_walk.hpp>
#include <found_files.hpp>

#include <sluice/emitter.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::samples {

struct DuplicateLimits {
  std::size_t most_members = 1024;  ///< of a job; 2 or more
  std::size_t open_files = 512;     ///< of all workers together
  CompareOptions compare{};
};

enum class DuplicateStep : unsigned char {
  compare,  ///< all members with each other
  heads,    ///< a part of a large group: hashes of the heads
  whole,    ///< a part of a large group: hashes of all bytes
  first,    ///< a part of a large group: with its first member, which all parts share
  equal,    ///< nothing is left to be done: the members are equal
};

struct DuplicateJob {
  std::shared_ptr<const FoundFiles> files{};
  DuplicateStep step = DuplicateStep::compare;
  std::uint64_t size_bytes = 0;
  std::vector<FileId> members{};
  std::uint64_t group = 0;        ///< heads, whole, first: which large group it is a part of
  std::size_t group_members = 0;  ///< and how many members all of its parts have

  [[nodiscard]] bool is_done() const noexcept { return step == DuplicateStep::equal; }
};

struct DuplicateVerdict {
  DuplicateJob job{};
  ContentClasses classes{};
  std::vector<std::pair<ContentHash, FileId>> hashes{};
};

/// Appends the jobs for files of one size that may be equal, in parts when they are many.
void add_jobs(DuplicateJob group, std::size_t most_members, std::vector<DuplicateJob>& to);

/// Makes a file that failed a dead letter, and its other names, which nobody else will tell of.
void tell_failed(const FoundFiles& files, const FailedFile& failed, Context& context);

/// Takes all files in; once they are known, groups them by size.
class GroupBySize {
 public:
  using Out = DuplicateJob;

  GroupBySize(bool hard_links, const DuplicateLimits& limits)
      : hard_links_(hard_links), limits_(limits) {}

  void start(Context& context) { context_ = &context; }
  void process(WalkItem item, Emitter<DuplicateJob>&) { files_->add(std::move(item.found)); }
  bool finish(Emitter<DuplicateJob>& out);

 private:
  struct Sized {
    std::uint64_t size_bytes = 0;
    FileId id{};
  };
  struct Group {
    std::uint64_t size_bytes = 0;
    std::vector<FileId> members{};
  };

  void group_all();
  void group(std::vector<Sized>::const_iterator begin, std::vector<Sized>::const_iterator end);
  [[nodiscard]] FileId keep_names(std::vector<FileId> names);

  bool hard_links_;
  DuplicateLimits limits_;
  Context* context_ = nullptr;
  std::shared_ptr<FoundFiles> files_ = std::make_shared<FoundFiles>();
  std::vector<Group> groups_{};
  bool grouped_ = false;
  std::size_t next_ = 0;
  std::uint64_t large_groups_ = 0;
};

/// Does a job. What can't be read, or changes meanwhile, is a dead letter.
///
/// Blocks   while the file system reads.
class ExamineFiles {
 public:
  explicit ExamineFiles(const DuplicateLimits& limits) : limits_(limits) {}

  [[nodiscard]] DuplicateVerdict operator()(DuplicateJob job, Context& context);

 private:
  [[nodiscard]] ContentComparer& comparer(const Context& context);
  void hash(DuplicateVerdict& verdict, Context& context);

  DuplicateLimits limits_;
  std::optional<ContentComparer> comparer_{};
};

/// Puts the parts of large groups together and says what is to be done next.
class SettleGroups {
 public:
  using Out = DuplicateJob;

  explicit SettleGroups(const DuplicateLimits& limits) : limits_(limits) {}

  void start(Context& context) { context_ = &context; }
  void process(DuplicateVerdict verdict, Emitter<DuplicateJob>& out);

 private:
  struct LargeGroup {
    std::size_t seen = 0;
    std::vector<std::pair<ContentHash, FileId>> hashes{};  // heads, whole
    std::vector<FileId> equal{};                           // first: to the first one
    std::vector<FileId> others{};                          // first: not, in spite of their hashes
    std::string failed{};                                  // first: why the first one can't be read
  };

  void gather(DuplicateVerdict& verdict, Emitter<DuplicateJob>& out);
  void gather_first(DuplicateVerdict& verdict, LargeGroup& group);
  void close(const DuplicateJob& job, LargeGroup group, Emitter<DuplicateJob>& out);
  void close_first(const DuplicateJob& job, LargeGroup group, Emitter<DuplicateJob>& out);
  void send(const DuplicateJob& like, DuplicateStep step, std::vector<FileId> members,
            Emitter<DuplicateJob>& out);

  DuplicateLimits limits_;
  Context* context_ = nullptr;
  std::unordered_map<std::uint64_t, LargeGroup> large_{};
  std::uint64_t large_groups_ = 0;
};

}  // namespace sluice::samples
