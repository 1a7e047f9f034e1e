// pipelines/duplicate_lending.cpp: a job of find_duplicates on its way to another process, and back.
//
// The table of all files stays where it is. A job that leaves takes along what is known of its members; over there
// they are a table of their own, in which member k is the only file of batch k. The answer calls them again what
// they are called here.
// SPDX-License-Identifier: MIT
#include <duplicate_jobs.hpp>

#include <algorithm>
#include <utility>

namespace sluice {

using namespace samples;

namespace {

struct LentFile {
  std::string path{};
  detail::FileIdentity identity{};
  detail::FileTime modified{};
  std::vector<std::string> aliases{};
};

struct LentJob {
  std::uint64_t files_number = 0;
  DuplicateStep step = DuplicateStep::compare;
  std::uint64_t size_bytes = 0;
  std::vector<FileId> members{};
  std::vector<LentFile> files{};  // of the members; empty where nobody needs them
  std::uint64_t group = 0;
  std::size_t group_members = 0;
};

LentFile lent(const FoundFiles& files, FileId id) {
  LentFile file{
      .path = files.path(id), .identity = files[id].identity, .modified = files[id].modified};
  for (const FileId alias : files.aliases_of(id)) file.aliases.push_back(files.path(alias));
  return file;
}

FileId add_alone(FoundFiles& files, std::string path, FoundFile file) {
  file.name_size = static_cast<std::uint32_t>(path.size());
  FileBatch batch{.names = std::move(path), .files = {file}};
  files.add(std::move(batch));
  return {.batch = static_cast<std::uint32_t>(files.batches().size() - 1)};
}

std::shared_ptr<const FoundFiles> table_of(std::vector<LentFile> lent, std::uint64_t size_bytes) {
  auto files = std::make_shared<FoundFiles>();
  for (LentFile& file : lent) {
    static_cast<void>(add_alone(
        *files, std::move(file.path),
        {.size_bytes = size_bytes, .identity = file.identity, .modified = file.modified}));
  }
  for (std::uint32_t k = 0; k < lent.size(); ++k) {
    for (std::string& alias : lent[k].aliases) {
      const FileId name = add_alone(*files, std::move(alias), {.size_bytes = size_bytes});
      files->aliases.emplace_back(FileId{.batch = k}, name);
    }
  }
  return files;
}

}  // namespace

void codec<DuplicateJob>::write(const DuplicateJob& job, Writer& to) {
  LentJob bytes{.files_number = job.files_number,
                .step = job.step,
                .size_bytes = job.size_bytes,
                .members = job.members,
                .group = job.group,
                .group_members = job.group_members};
  if (job.files != nullptr && !job.is_done()) {
    for (const FileId id : job.members) bytes.files.push_back(lent(*job.files, id));
  }
  to.put(bytes);
}

DuplicateJob codec<DuplicateJob>::read(Reader& from) {
  auto bytes = from.get<LentJob>();
  DuplicateJob job{.files_number = bytes.files_number,
                   .step = bytes.step,
                   .size_bytes = bytes.size_bytes,
                   .members = std::move(bytes.members),
                   .group = bytes.group,
                   .group_members = bytes.group_members};
  if (bytes.files.empty()) return job;
  if (bytes.files.size() != job.members.size())
    from.fail("members and their files are not as many");
  job.files = table_of(std::move(bytes.files), job.size_bytes);
  job.known_as = std::move(job.members);
  job.members.clear();
  for (std::uint32_t k = 0; k < job.known_as.size(); ++k) job.members.push_back({.batch = k});
  return job;
}

namespace samples {

void answer_to_lender(DuplicateVerdict& verdict) {
  DuplicateJob& job = verdict.job;
  if (job.known_as.empty()) return;
  const auto known = [&](FileId& id) { id = job.known_as[id.batch]; };
  for (std::vector<FileId>& ids : verdict.classes.equal)
    std::for_each(ids.begin(), ids.end(), known);
  for (std::vector<FileId>& ids : verdict.classes.alike)
    std::for_each(ids.begin(), ids.end(), known);
  for (FailedFile& failed : verdict.classes.failed) known(failed.file);
  for (auto& [hash, id] : verdict.hashes) known(id);
  job.members = std::exchange(job.known_as, {});
  job.files = nullptr;
}

}  // namespace samples
}  // namespace sluice
