// tests/processes/process_run.cpp
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <support/places.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

namespace sluice::testing_support {
namespace {

namespace fs = std::filesystem;

class ReportFile {
 public:
  ReportFile()
      : path_(fs::temp_directory_path() / ("sluice_report_" + std::to_string(::getpid()))) {}
  ~ReportFile() { fs::remove(path_); }
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;
  [[nodiscard]] std::string name() const { return path_.string(); }
  [[nodiscard]] nlohmann::json read() const {
    std::ifstream in(path_);
    return in ? nlohmann::json::parse(in, nullptr, false) : nlohmann::json();
  }

 private:
  fs::path path_;
};

}  // namespace

std::uint64_t Counted::of(const std::string& stage_name, const std::string& member) const {
  if (!report.contains("stages")) return 0;
  for (const auto& stage : report["stages"]) {
    if (stage["name"] == stage_name) return stage[member].get<std::uint64_t>();
  }
  return 0;
}

std::uint64_t outputs_of_parcels(std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t n = 0; n < count; ++n) sum += n % 3;
  return sum;
}

std::size_t times(const std::string& what, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

void wait_until_gone() {
  while (!processes_of_program().empty()) std::this_thread::yield();
}

Counted run_parcels(std::vector<std::string> words, const ChildProgram::Streams& streams) {
  const ReportFile report;
  std::vector<std::string> all = {
      SLUICE_PROCESS_PROGRAM, "run",       "parcels",     "--quiet", "--report",
      report.name(),          "--carrier", "work=process"};
  all.insert(all.end(), words.begin(), words.end());
  Counted counted{.ended = run_program(all, streams), .report = {}};
  unsigned long long numbers[4] = {};
  int ordered = 0;
  if (std::sscanf(counted.ended.out.c_str(),
                  "outputs %llu lost %llu doubled %llu corrupt %llu ordered %d", &numbers[0],
                  &numbers[1], &numbers[2], &numbers[3], &ordered) == 5) {
    counted.outputs = numbers[0];
    counted.lost = numbers[1];
    counted.doubled = numbers[2];
    counted.corrupt = numbers[3];
    counted.ordered = ordered == 1;
  }
  counted.report = report.read();
  return counted;
}

std::vector<int> processes_of_program() { return processes_of(SLUICE_PROCESS_PROGRAM); }

std::vector<int> processes_of(const std::string& image_file) {
  std::vector<int> found;
  std::error_code error;
  const fs::path program = fs::canonical(image_file);
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const fs::path image = fs::read_symlink(entry.path() / "exe", error);
    if (!error && image == program) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace sluice::testing_support
