// bench/word_count_by_hand.cpp: what somebody who knows the job would write without a framework.
//
//   files -> [claim a piece, read it, count it] x 2 threads -> merge -> sort -> print
//
// Question: how much does the word_count sample lose against two hand-written threads that run the
// same algorithm (WordTable)? No queue: each thread claims pieces of 256 KiB under one mutex, reads
// them with pread into a buffer of its own and counts into a table of its own.
// A word belongs to the piece in which it begins, so a piece skips the rest of a word at its start
// and reads on past its end until its last word is over.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <word_table.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using sluice::samples::is_letter;
using sluice::samples::last_cut;
using sluice::samples::WordTable;

constexpr std::size_t kPieceBytes = 256 * 1024;

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class File {
 public:
  explicit File(std::string path)
      : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw_errno(path_);
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw_errno(path_);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Returns  how many bytes were read: fewer than `count` at the end of the file only.
  std::size_t read_at(std::uint64_t offset, char* to, std::size_t count) const {
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got =
          ::pread(descriptor_, to + have, count - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_errno(path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return have;
  }

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

struct Piece {
  std::shared_ptr<const File> file;
  std::uint64_t offset;
};

// Hands out the pieces of all files. Walks the directories while the pieces are counted, so that no
// thread waits for the whole walk.
class Pieces {
 public:
  explicit Pieces(std::vector<std::string> roots) : roots_(std::move(roots)) {}

  std::optional<Piece> claim() {
    const std::lock_guard lock(mutex_);
    while (true) {
      if (file_ && offset_ < file_->size()) {
        Piece piece{file_, offset_};
        offset_ += kPieceBytes;
        return piece;
      }
      const std::optional<std::string> path = next_path();
      if (!path) return std::nullopt;
      file_ = std::make_shared<const File>(*path);
      offset_ = 0;
    }
  }

 private:
  // The next regular file; symbolic links below a root are left alone.
  std::optional<std::string> next_path() {
    while (true) {
      while (walk_ != fs::recursive_directory_iterator()) {
        const fs::directory_entry entry = *walk_;
        ++walk_;
        if (!entry.is_symlink() && entry.is_regular_file()) return entry.path().string();
      }
      if (next_root_ == roots_.size()) return std::nullopt;
      const std::string& root = roots_[next_root_++];
      if (!fs::is_directory(root)) return root;
      walk_ = fs::recursive_directory_iterator(root);
    }
  }

  std::mutex mutex_;
  std::vector<std::string> roots_;
  std::size_t next_root_ = 0;
  fs::recursive_directory_iterator walk_;
  std::shared_ptr<const File> file_;
  std::uint64_t offset_ = 0;
};

class Counter {
 public:
  void count_all(Pieces& pieces) {
    while (const std::optional<Piece> piece = pieces.claim()) {
      count(*piece);
    }
  }
  [[nodiscard]] WordTable take() { return std::move(table_); }

 private:
  // buffer_[0] is the byte before the piece, or a separator at the start of the file.
  void count(const Piece& piece) {
    buffer_[0] = '\n';
    const std::size_t before = piece.offset == 0 ? 0 : 1;
    const std::size_t got = piece.file->read_at(piece.offset - before, buffer_.data() + 1 - before,
                                                kPieceBytes + before) -
                            before;
    std::string_view text(buffer_.data() + 1, got);
    if (is_letter(buffer_[0])) {
      const auto begin = std::find_if_not(text.begin(), text.end(), is_letter);
      text.remove_prefix(static_cast<std::size_t>(begin - text.begin()));
    }
    const std::size_t cut = got < kPieceBytes ? text.size() : last_cut(text);
    table_.add_text(text.substr(0, cut));
    if (cut < text.size()) {
      finish_word(std::string(text.substr(cut)), *piece.file, piece.offset + kPieceBytes);
    }
  }

  // Counts the word whose first letters are `word` and which may go on at `offset`.
  void finish_word(std::string word, const File& file, std::uint64_t offset) {
    constexpr std::size_t kStep = 4096;
    while (true) {
      const std::size_t begun = word.size();
      word.resize(begun + kStep);
      const std::size_t got = file.read_at(offset, word.data() + begun, kStep);
      const auto first = word.begin() + static_cast<std::ptrdiff_t>(begun);
      const auto last = first + static_cast<std::ptrdiff_t>(got);
      const auto end = std::find_if_not(first, last, is_letter);
      const bool over = end != last || got < kStep;
      word.erase(end, word.end());
      if (over) break;
      offset += kStep;
    }
    table_.add_text(word);
  }

  std::vector<char> buffer_ = std::vector<char>(kPieceBytes + 1);
  WordTable table_;
};

WordTable count_words(std::vector<std::string> roots, bool two_threads) {
  Pieces pieces(std::move(roots));
  Counter mine;
  if (!two_threads) {
    mine.count_all(pieces);
    return mine.take();
  }
  Counter other;
  std::exception_ptr failure;
  std::thread helper([&] {
    try {
      other.count_all(pieces);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    mine.count_all(pieces);
  } catch (...) {
    helper.join();
    throw;
  }
  helper.join();
  if (failure) std::rethrow_exception(failure);
  WordTable table = mine.take();
  table.merge(other.take());
  return table;
}

void print(const WordTable& table, std::size_t top) {
  std::string text;
  for (const auto& [word, count] : table.top(top)) {
    text += std::to_string(count) + '\t' + word + '\n';
  }
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw_errno("standard output");
  }
}

struct Arguments {
  std::size_t threads = 2;
  std::size_t top = 20;
  std::vector<std::string> paths;
};

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument("'" + std::string(text) + "' is not a number");
  }
  return value;
}

Arguments parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_threads = words[i] == "--threads";
    if (is_threads || words[i] == "--top") {
      if (i + 1 == words.size()) throw std::invalid_argument(words[i] + " needs a number");
      (is_threads ? arguments.threads : arguments.top) = number(words[++i]);
    } else {
      arguments.paths.push_back(words[i]);
    }
  }
  if (arguments.threads != 1 && arguments.threads != 2)
    throw std::invalid_argument("--threads takes 1 or 2");
  if (arguments.paths.empty()) {
    throw std::invalid_argument("usage: word_count_by_hand [--threads 1|2] [--top N] PATH...");
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = parse(std::vector<std::string>(argv + 1, argv + argc));
    print(count_words(arguments.paths, arguments.threads == 2), arguments.top);
    return 0;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "word_count_by_hand: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "word_count_by_hand: %s\n", error.what());
    return 1;
  }
}
