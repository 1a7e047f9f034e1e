// support/sample_tree.cpp
// SPDX-License-Identifier: MIT
#include <support/sample_tree.hpp>

#include <file_cutter.hpp>
#include <support/serial_archive.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

namespace sluice::testing_support {

namespace fs = std::filesystem;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string make_sample_tree(const Scratch& scratch, const std::string& name,
                             std::mt19937_64& random) {
  const std::string root = scratch / name;
  constexpr std::size_t kRange = samples::FileRange::kMostBytes;
  const auto put = [&](const std::string& path, const std::string& content) {
    return scratch.file(name + '/' + path, content);
  };
  const std::string large = random_bytes(random, kRange + 300'000);
  put("large", large);
  put("large again", large);
  put("middle/shifted", "some bytes more" + large);
  put("one range", large.substr(5, kRange));
  put("zeros", std::string(2 * kRange + 1, '\0'));
  put("zeros again/and some", std::string(kRange, '\0') + "end");
  put("empty", "");
  for (int i = 0; i < 300; ++i) {
    const std::string path = "small/d" + std::to_string(i % 7) + "/f" + std::to_string(i);
    put(path, random_bytes(random, random() % 9000) + std::to_string(i % 10));
  }
  put(" odd\n\xff\\ ", "odd");
  fs::create_directories(root + "/empty directory");
  fs::create_directories(root + "/zz");
  fs::create_hard_link(root + "/large", root + "/zz/large");
  fs::create_hard_link(root + "/small/d0/f0", root + "/zz/f0");
  fs::create_symlink("../nowhere", root + "/zz/link");
  if (::chmod((root + "/zz/f0").c_str(), 04751) != 0) throw std::runtime_error("no mode");
  set_time(root + "/large", -1, 5);
  set_time(root + "/zz/link", 1'000'000'000, 7);
  set_time(root + "/small/d3", 2'000'000'000, 999'999'999);
  return root;
}

}  // namespace sluice::testing_support
