// sluice/process/entry_guard.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/entry_guard.hpp>

#include <sluice/os/process_setup.hpp>
#include <sluice/os/program.hpp>
#include <sluice/process/worker_spec.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <charconv>
#include <mutex>
#include <stdexcept>

namespace sluice::detail {
namespace {

constexpr const char* kVariable = "SLUICE_WORKER_SERVER";

std::mutex words_mutex;           // guards the words of the innermost guard
EntryGuard* innermost = nullptr;  // guarded by words_mutex

// Numbers and words with a colon behind each.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  [[nodiscard]] std::string_view word() {
    const std::size_t colon = rest_.find(':');
    if (colon == std::string_view::npos) throw std::runtime_error("");
    const std::string_view found = rest_.substr(0, colon);
    rest_.remove_prefix(colon + 1);
    return found;
  }
  [[nodiscard]] int number() {
    const std::string_view text = word();
    int value = -1;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || value < 0) {
      throw std::runtime_error("");
    }
    return value;
  }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

SpawnTicket ticket_in(std::string_view text) {
  Fields fields(text);
  SpawnTicket ticket;
  ticket.socket = fields.number();
  ticket.parent = fields.number();
  ticket.nonce = fields.word();
  ticket.standby = fields.number() != 0;
  while (!fields.empty()) ticket.keep.push_back(fields.number());
  if (!is_control_socket(ticket.socket)) throw std::runtime_error("");
  return ticket;
}

}  // namespace

EntryGuard::EntryGuard(int argc, char** argv)
    : words_(argv, argv + (argc > 0 ? argc : 0)), outer_(nullptr) {
  const std::lock_guard lock(words_mutex);
  outer_ = innermost;
  innermost = this;
}

EntryGuard::~EntryGuard() {
  const std::lock_guard lock(words_mutex);
  innermost = outer_;
}

bool EntryGuard::active() noexcept {
  const std::lock_guard lock(words_mutex);
  return innermost != nullptr;
}

std::vector<std::string> EntryGuard::argv() {
  const std::lock_guard lock(words_mutex);
  return innermost == nullptr ? std::vector<std::string>() : innermost->words_;
}

std::string to_setting(const SpawnTicket& ticket) {
  std::string text = fmt::format("{}={}:{}:{}:{}:", kVariable, ticket.socket, ticket.parent,
                                 ticket.nonce, ticket.standby ? 1 : 0);
  for (const int number : ticket.keep) text += fmt::format("{}:", number);
  return text;
}

std::optional<SpawnTicket> take_spawn_ticket() {
  const std::string text = environment_value(kVariable);
  if (text.empty()) return std::nullopt;
  remove_from_environment(kVariable);
  try {
    SpawnTicket ticket = ticket_in(text);
    close_on_exec(ticket.socket);
    close_on_exec(ticket.parent);
    return ticket;
  } catch (const std::runtime_error&) {
    throw std::runtime_error(
        fmt::format("the environment has {}={}, which only sluice sets, for processes of its own; "
                    "remove it",
                    kVariable, text));
  }
}

void refuse_if_unguarded() {
  if (environment_value(kVariable).empty()) return;
  say_on_stderr(
      "sluice: this program was started again to serve worker processes, but its main came to "
      "run() before sluice::main; let main call sluice::main first\n");
  end_process_now(kExitUnguarded);
}

}  // namespace sluice::detail
