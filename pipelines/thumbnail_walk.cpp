// pipelines/thumbnail_walk.cpp
// SPDX-License-Identifier: MIT
#include <thumbnail_walk.hpp>

#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace sluice::samples {
namespace {

using Kind = stages::FileWalk::Kind;

bool is_directory(const std::string& path, const sluice::detail::FileIdentity& identity) {
  using namespace sluice::detail;
  try {
    return status_of(path).kind == FileKind::directory &&
           inode_of(open_directory(path), path).identity == identity;
  } catch (const std::system_error&) {
    return false;  // which the walk will tell
  }
}

}  // namespace

ThumbnailWalk::ThumbnailWalk(std::vector<std::string> paths, std::string output,
                             const std::string& suffix)
    : paths_(std::move(paths)), output_(std::move(output)), names_(paths_, suffix) {}

void ThumbnailWalk::start(Context&) {
  static_cast<void>(sluice::detail::make_directory(output_));
  output_identity_ =
      sluice::detail::inode_of(sluice::detail::open_directory(output_), output_).identity;
}

bool ThumbnailWalk::next(Emitter<FoundImage>& out) {
  if (at_ == paths_.size()) return false;
  if (walk_ || begin_path(out.context())) {
    stages::FileWalk::Found found = walk_->next();
    if (found.kind != Kind::end) {
      visit(std::move(found), out);
      return true;
    }
  }
  walk_.reset();
  ++at_;
  return true;
}

bool ThumbnailWalk::begin_path(Context& context) {
  const std::string& path = paths_[at_];
  if (is_directory(path, output_identity_)) {
    context.dead(path, "it is the output directory; give another --output");
    return false;
  }
  walk_.emplace(std::vector<std::string>{path});
  walk_->leave_out(output_identity_);
  return true;
}

void ThumbnailWalk::visit(stages::FileWalk::Found found, Emitter<FoundImage>& out) const {
  switch (found.kind) {
    case Kind::file: {
      const std::string& path = paths_[at_];
      const std::size_t below = path.size() + (path.ends_with('/') ? 0 : 1);
      std::optional<std::string> name =
          found.given ? names_.of_given(at_)
                      : names_.of_found(at_, std::string_view(found.path).substr(below));
      if (!name) {
        out.context().dead(std::move(found.path),
                           fmt::format("a name of its thumbnail's would have more than {} bytes",
                                       ThumbnailNames::kMostNameBytes));
        return;
      }
      return out.emit(
          {.path = std::move(found.path), .name = std::move(*name), .given = found.given});
    }
    case Kind::stream:
      return out.context().dead(std::move(found.path), "neither a regular file nor a directory");
    case Kind::unreadable:
      return out.context().dead(std::move(found.path), std::move(found.reason));
    case Kind::end:
      return;
  }
}

}  // namespace sluice::samples
