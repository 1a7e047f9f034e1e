// sluice/stages/walk.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/walk.hpp>

#include <sluice/stages/file_walk.hpp>

namespace sluice::stages {

WalkSource::WalkSource(std::vector<std::string> roots) : roots_(std::move(roots)) {}
WalkSource::WalkSource(WalkSource&&) noexcept = default;
WalkSource::~WalkSource() = default;

void WalkSource::start(Context&) { walk_ = std::make_unique<FileWalk>(roots_); }

bool WalkSource::next(Emitter<FileEntry>& out) {
  FileWalk::Found found = walk_->next();
  switch (found.kind) {
    case FileWalk::Kind::file:
      out.emit({std::move(found.path), found.size_bytes});
      return true;
    case FileWalk::Kind::stream:
      out.context().dead(sluice::detail::input_name(found.path),
                         "neither a regular file nor a directory");
      return true;
    case FileWalk::Kind::unreadable:
      out.context().dead(std::move(found.path), std::move(found.reason));
      return true;
    case FileWalk::Kind::end:
      break;
  }
  return false;
}

}  // namespace sluice::stages
