// sluice/cli/dead_letters.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/dead_letters.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::detail {
namespace {

using Json = nlohmann::ordered_json;

std::string short_text(const DeadLetter& letter) {
  std::string text = fmt::format("dead letter: stage {}", letter.stage);
  if (letter.item != StageError::kNoItem) text += fmt::format(", item {}", letter.item);
  if (letter.attempt > 1) text += fmt::format(", {} attempts", letter.attempt);
  if (!letter.subject.empty()) text += fmt::format(", {}", letter.subject);
  if (!letter.label.empty()) text += fmt::format(": {}", letter.label);
  return text + fmt::format(": {}", letter.error);
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const bool there = at + i < bytes.size();
      group = (group << 8) | (there ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    const std::size_t digits = std::min<std::size_t>(3, bytes.size() - at) + 1;
    for (std::size_t i = 0; i < 4; ++i) {
      text += i < digits ? kDigits[(group >> (18 - 6 * i)) & 0x3FU] : '=';
    }
  }
  return text;
}

std::string to_json_line(const DeadLetter& letter) {
  const bool has_item = letter.item != StageError::kNoItem;
  Json json = {{"stage", letter.stage},
               {"worker", letter.worker},
               {"item", has_item ? Json(letter.item) : Json(nullptr)},
               {"attempt", letter.attempt},
               {"error", letter.error},
               {"label", letter.label},
               {"subject", letter.subject}};
  if (letter.has_payload) json["payload"] = base64(letter.payload);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

DeadLetterLog::DeadLetterLog(Console& console, std::optional<ResultFile> file,
                             UniqueFunction<void()> on_failure)
    : console_(console), file_(std::move(file)), on_failure_(std::move(on_failure)) {}

void DeadLetterLog::take(const DeadLetter& letter) noexcept {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  ++count_;
  try {
    write(letter);
  } catch (const std::exception& error) {
    failed_ = true;
    console_.message(error.what());
    on_failure_();
  }
}

// After the first failure nothing more is tried: what is missing is missing, and the run ends.
void DeadLetterLog::write(const DeadLetter& letter) {
  if (file_) {
    if (!failed_) file_->write_line(to_json_line(letter));
  } else if (shown_[letter.stage] < kShown) {
    ++shown_[letter.stage];
    console_.message(short_text(letter));
  }
}

std::string DeadLetterLog::hidden() const {
  std::uint64_t shown = 0;
  for (const auto& [stage, letters] : shown_) shown += letters;
  return file_ || shown == count_ ? std::string() : fmt::format(", {} of them shown", shown);
}

bool DeadLetterLog::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  if (file_ && !failed_) {
    try {
      file_->close();
    } catch (const std::exception& error) {
      failed_ = true;
      console_.message(error.what());
    }
  }
  if (count_ > 0) {
    const std::string where = file_ ? fmt::format("written to {}", file_->path())
                                    : "give --dead-letters FILE to keep them";
    console_.message(fmt::format("{} dead {}{}; {}", count_, count_ == 1 ? "letter" : "letters",
                                 hidden(), failed_ ? "not all were written" : where));
  }
  return !failed_;
}

}  // namespace sluice::detail
