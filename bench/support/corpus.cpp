// bench/support/corpus.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/corpus.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#ifndef SLUICE_BENCH_CORPUS_DIR
#define SLUICE_BENCH_CORPUS_DIR "build/bench_corpus"
#endif

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytes = 16 << 20;
constexpr std::size_t kProbeBytes = 4096;
constexpr std::array<std::string_view, 5> kRoots{
    "/usr/include", "/usr/lib/python3", "/usr/lib/python3.11", "/usr/share/doc", "/usr/share/perl"};

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const bool is_text = text.find('\0') >= std::min(kProbeBytes, text.size());
  return is_text ? text : "";
}

std::vector<fs::path> system_files() {
  std::vector<fs::path> files;
  for (const std::string_view root : kRoots) {
    std::error_code absent;
    for (fs::recursive_directory_iterator at(root, absent), end; at != end; ++at) {
      if (!at->is_symlink() && at->is_regular_file()) files.push_back(at->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Cuts a stream of text into files of kFileBytes.
class CorpusWriter {
 public:
  explicit CorpusWriter(std::string directory) : directory_(std::move(directory)) {}

  void write(const std::string& text) {
    if (!file_.is_open() || file_bytes_ >= kFileBytes) next_file();
    file_ << text << '\n';
    file_bytes_ += text.size() + 1;
    bytes_ += text.size() + 1;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  void next_file() {
    file_.close();
    file_.open(fmt::format("{}/text_{:03}.txt", directory_, files_++), std::ios::binary);
    if (!file_) throw std::runtime_error(directory_ + ": can't write there");
    file_bytes_ = 0;
  }

  std::string directory_;
  std::ofstream file_;
  int files_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t bytes_ = 0;
};

void gather(const std::string& directory, std::uint64_t bytes) {
  fs::remove_all(directory);
  fs::create_directories(directory);
  const std::vector<fs::path> sources = system_files();
  CorpusWriter writer(directory);
  while (writer.bytes() < bytes) {
    const std::uint64_t before = writer.bytes();
    for (const fs::path& source : sources) {
      const std::string text = read_text(source);
      if (!text.empty()) writer.write(text);
      if (writer.bytes() >= bytes) return;
    }
    if (writer.bytes() == before) {
      throw std::runtime_error("no text found below /usr to gather a corpus from");
    }
  }
}

}  // namespace

std::vector<std::string> gather_corpus(const std::string& directory, std::uint64_t bytes) {
  if (!fs::is_directory(directory) || total_bytes(files_in(directory)) < bytes) {
    gather(directory, bytes);
  }
  return files_in(directory);
}

std::string corpus_directory() {
  const char* const given = std::getenv("SLUICE_BENCH_CORPUS");
  return given != nullptr ? given : SLUICE_BENCH_CORPUS_DIR;
}

std::uint64_t total_bytes(const std::vector<std::string>& paths) {
  std::uint64_t bytes = 0;
  for (const std::string& path : paths) {
    bytes += fs::file_size(path);
  }
  return bytes;
}

}  // namespace sluice::bench
