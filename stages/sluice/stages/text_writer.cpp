// sluice/stages/text_writer.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/text_writer.hpp>

#include <sluice/error.hpp>
#include <sluice/os/file.hpp>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

namespace sluice::stages {

using sluice::detail::Descriptor;
using sluice::detail::kStandardStream;
using sluice::detail::output_name;
using sluice::detail::WriteMode;

class TextWriter::File {
 public:
  explicit File(Descriptor opened) : descriptor(std::move(opened)) {}
  Descriptor descriptor;
};

TextWriter::TextWriter(std::string path, WriteOptions options)
    : path_(std::move(path)), options_(std::move(options)) {}

TextWriter::~TextWriter() {
  if (file_ == nullptr || failed_) return;
  try {
    flush();
  } catch (const std::exception&) {
    // The run has failed for a reason of its own, which is the one to report.
  }
}

void TextWriter::open(const Context& context) {
  context_ = &context;
  const WriteMode mode = options_.append ? WriteMode::append : WriteMode::truncate;
  file_ = std::make_unique<File>(sluice::detail::open_to_write(path_, mode));
  buffer_.reserve(options_.buffer_bytes);
}

void TextWriter::line(std::string_view text) {
  const std::size_t size = text.size() + options_.line_end.size();
  if (buffer_.size() + size > options_.buffer_bytes) flush();
  if (buffer_.empty()) due_ = Deadline::after(kFlushAfter, context_->now());
  buffer_.append(text).append(options_.line_end);
  if (buffer_.size() >= options_.buffer_bytes) flush();
}

void TextWriter::flush() {
  due_ = {};
  if (buffer_.empty()) return;
  write(buffer_);
  buffer_.clear();
  if (buffer_.capacity() > 4 * options_.buffer_bytes) {  // a giant line went through
    buffer_.shrink_to_fit();
    buffer_.reserve(options_.buffer_bytes);
  }
}

void TextWriter::finish() {
  flush();
  failed_ = true;  // nothing is left for the destructor, even if closing fails
  sluice::detail::close_written(std::move(file_->descriptor), output_name(path_));
}

void TextWriter::write(std::string_view bytes) {
  try {
    sluice::detail::write_all(file_->descriptor, bytes, output_name(path_));
  } catch (const std::system_error& error) {
    failed_ = true;
    const bool closed = path_ == kStandardStream && error.code().value() == EPIPE;
    if (closed) throw ClosedOutput("standard output was closed by its reader");
    throw;
  }
}

}  // namespace sluice::stages
