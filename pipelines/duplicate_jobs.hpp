// pipelines/duplicate_jobs.hpp: the stages of find_duplicates that find out which files are equal.
//
//   group ==jobs==> examine x cores ==verdicts==> settle ==jobs==> back to examine
//                                                        ==equal files==> sort
//
// Up to `most_members` files of one size are one job, compared as they are. More are first told apart by the
// hashes of their heads, on all cores, then by those of all their bytes; what is still together is compared with
// one of them, in jobs that all cores share. Only comparing calls files equal.
//
// Jobs refer to the table of all files. `examine` may be in a worker process all the same: a job that leaves takes
// along what is known of its members (duplicate_lending.cpp). What comes back has no table; `settle` has it from
// GroupBySize (hand_over.hpp).
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <content_comparer.hpp>
#include <duplicate_walk.hpp>
#include <found_files.hpp>
#include <hand_over.hpp>

#include <sluice/codec.hpp>
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
  std::shared_ptr<const FoundFiles> files{};  ///< has the members, perhaps only them
  std::uint64_t files_number = 0;             ///< under which all files were handed over
  DuplicateStep step = DuplicateStep::compare;
  std::uint64_t size_bytes = 0;
  std::vector<FileId> members{};
  std::uint64_t group = 0;         ///< heads, whole, first: which large group it is a part of
  std::size_t group_members = 0;   ///< and how many members all of its parts have
  std::vector<FileId> known_as{};  ///< in another process: what the lender calls the members

  [[nodiscard]] bool is_done() const noexcept { return step == DuplicateStep::equal; }
};

struct DuplicateVerdict {
  DuplicateJob job{};
  ContentClasses classes{};
  std::vector<std::pair<ContentHash, FileId>> hashes{};
};

using FilesHandOver = HandOver<std::shared_ptr<const FoundFiles>>;

/// In a process that was lent the job: calls the members what the lender calls them.
void answer_to_lender(DuplicateVerdict& verdict);

/// Appends the jobs for files of one size that may be equal, in parts when they are many.
void add_jobs(DuplicateJob group, std::size_t most_members, std::vector<DuplicateJob>& to);

/// Makes a file that failed a dead letter, and its other names, which nobody else will tell of.
void tell_failed(const FoundFiles& files, const FailedFile& failed, Context& context);

/// Takes all files in; once they are known, groups them by size.
class GroupBySize {
 public:
  using Out = DuplicateJob;

  GroupBySize(bool hard_links, const DuplicateLimits& limits,
              std::shared_ptr<FilesHandOver> hand_over)
      : hard_links_(hard_links), limits_(limits), hand_over_(std::move(hand_over)) {}

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
  std::shared_ptr<FilesHandOver> hand_over_;
  Context* context_ = nullptr;
  std::uint64_t files_number_ = 0;
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
  void examine(DuplicateVerdict& verdict, Context& context);
  [[nodiscard]] ContentComparer& comparer(const Context& context);
  void hash(DuplicateVerdict& verdict, Context& context);

  DuplicateLimits limits_;
  std::optional<ContentComparer> comparer_{};
};

/// Puts the parts of large groups together and says what is to be done next.
class SettleGroups {
 public:
  using Out = DuplicateJob;
  static constexpr bool keeps_state = true;  // parts of large groups

  SettleGroups(const DuplicateLimits& limits, std::shared_ptr<FilesHandOver> hand_over)
      : limits_(limits), taker_(std::move(hand_over)) {}

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
  FilesHandOver::Taker taker_;
  std::shared_ptr<const FoundFiles> files_{};
  Context* context_ = nullptr;
  std::unordered_map<std::uint64_t, LargeGroup> large_{};
  std::uint64_t large_groups_ = 0;
};

}  // namespace sluice::samples

template <>
struct sluice::enum_range<sluice::samples::DuplicateStep> {
  static constexpr auto least = samples::DuplicateStep::compare;
  static constexpr auto most = samples::DuplicateStep::equal;
};

/// With what is known of the members, unless the job is done or has no files.
template <>
struct sluice::codec<sluice::samples::DuplicateJob> {
  static void write(const samples::DuplicateJob& job, Writer& to);
  static samples::DuplicateJob read(Reader& from);
};
