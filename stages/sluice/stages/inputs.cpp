// sluice/stages/inputs.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/inputs.hpp>

#include <sluice/os/file.hpp>

#include <system_error>

namespace sluice::stages {
namespace {

using sluice::detail::FileKind;
using sluice::detail::input_name;
using sluice::detail::reason;

// Errors are left to open(), which reports them.
std::uint64_t known_bytes(const std::string& path) {
  try {
    const auto status = sluice::detail::status_of(path);
    return status.kind == FileKind::regular ? status.size_bytes : 0;
  } catch (const std::system_error&) {
    return 0;
  }
}

}  // namespace

Inputs::Inputs(const std::vector<std::string>& paths, std::size_t block_bytes,
               const ByteSet& cut_after, Context& context)
    : paths_(paths), context_(context), reader_(block_bytes, cut_after, context.stop_token()) {
  for (const std::string& path : paths) context_.expect_bytes(known_bytes(path));
}

bool Inputs::open_next() {
  while (at_ < paths_.size()) {
    const std::string& path = paths_[at_++];
    try {
      reader_.open(path);
      return true;
    } catch (const std::system_error& error) {
      context_.dead(input_name(path), reason("open", error.code()));
    }
  }
  return false;
}

bool Inputs::next(Block& block) {
  while (reader_.is_open() || open_next()) {
    try {
      switch (reader_.next(block)) {
        case BlockReader::Status::block:
          context_.add_bytes(block.text().size());
          return true;
        case BlockReader::Status::stopped:
          return false;
        case BlockReader::Status::end:
          break;
      }
    } catch (const std::system_error& error) {
      const std::string path = reader_.path();
      reader_.close();
      context_.dead(input_name(path), reason("read", error.code()));
    }
  }
  return false;
}

}  // namespace sluice::stages
