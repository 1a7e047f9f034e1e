// pipelines/thumbnail_writer.cpp
// SPDX-License-Identifier: MIT
#include <thumbnail_writer.hpp>

#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>
#include <sluice/os/new_entry_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sluice::samples {
namespace {

using sluice::detail::Descriptor;

bool says(const std::system_error& error, std::errc code) {
  return error.code() == std::error_code(static_cast<int>(code), std::generic_category()) ||
         error.code() == code;
}

// Two workers may make one directory at a time: whoever comes second finds it.
Descriptor open_or_make(const Descriptor& parent, const std::string& name,
                        const std::string& path) {
  try {
    return sluice::detail::open_entry_directory(parent, name, path);
  } catch (const std::system_error& error) {
    if (!says(error, std::errc::no_such_file_or_directory)) throw;
  }
  try {
    sluice::detail::make_entry_directory(parent, name, false, path);
  } catch (const std::system_error& error) {
    if (!says(error, std::errc::file_exists)) throw;
  }
  return sluice::detail::open_entry_directory(parent, name, path);
}

}  // namespace

void ThumbnailWriter::start(Context& context) {
  context_ = &context;
  for (const std::string& path : paths_) {
    try {
      read_.push_back(sluice::detail::inode_of(sluice::detail::open_to_read(path), path).identity);
    } catch (const std::system_error&) {
      continue;  // the walk tells
    }
  }
  static_cast<void>(sluice::detail::make_directory(output_));
  root_ = sluice::detail::open_directory(output_);
  enter({});
}

void ThumbnailWriter::process(const ThumbnailFile& file) {
  const std::size_t name = file.name.rfind('/') + 1;  // 0 without a slash
  if (file.name.compare(0, name, here_name_) != 0) enter(file.name.substr(0, name));
  const std::string path = fmt::format("{}/{}", output_, file.name);
  if (here_is_read_ || is_read(file.name.substr(name), path)) {
    context_->dead(path, "this place is read, so nothing is written there; give another --output");
    return;
  }
  write(file.name.substr(name), file.bytes, path);
  context_->add_bytes(file.bytes.size());
}

void ThumbnailWriter::enter(const std::string& directory) {
  Descriptor at = sluice::detail::copy_of(root_, output_);
  here_is_read_ = false;
  for (std::size_t begin = 0; begin < directory.size() && !here_is_read_;) {
    const std::size_t end = directory.find('/', begin);
    const std::string path = fmt::format("{}/{}", output_, directory.substr(0, end));
    at = open_or_make(at, directory.substr(begin, end - begin), path);
    here_is_read_ = is_read(sluice::detail::inode_of(at, path).identity);
    begin = end + 1;
  }
  here_ = std::move(at);
  here_name_ = directory;
}

bool ThumbnailWriter::is_read(const sluice::detail::FileIdentity& identity) const {
  return std::find(read_.begin(), read_.end(), identity) != read_.end();
}

bool ThumbnailWriter::is_read(const std::string& name, const std::string& path) const {
  try {
    return is_read(sluice::detail::inode_of_entry(here_.number(), name, path).identity);
  } catch (const std::system_error&) {
    return false;  // nothing has the name
  }
}

void ThumbnailWriter::write(const std::string& name, std::string_view bytes,
                            const std::string& path) {
  sluice::detail::NewEntryFile file(here_, name, path);
  sluice::detail::write_all(file.descriptor(), bytes, path);
  file.commit();
}

}  // namespace sluice::samples
