// bench/account_steps.cpp: the subject of account_instructions.sh: one thread puts, gets and settles.
//
//   account_steps settled|left BATCH ITEMS
//
// Question: how many instructions per item does the account cost? One thread never waits, so the
// count is the same in every run, which a time never is.
// SPDX-License-Identifier: MIT
#include <peers/sluice_queue.hpp>
#include <support/queue_job.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>

namespace {

using namespace sluice::bench;

template <typename Q>
void pass(std::size_t batch, std::uint64_t items) {
  Q queue(1024);
  std::array<std::uint64_t, kMaxBatch> values{};
  SetCheck check;
  for (std::uint64_t next = 0; next < items;) {
    if (batch == 1) {
      queue.put(next++);
      check.add(queue.get());
      settle(queue, 1);
      continue;
    }
    for (std::size_t i = 0; i < batch; ++i) {
      values[i] = next++;
    }
    queue.put_many(std::span<std::uint64_t>(values.data(), batch));
    const std::size_t got = queue.get_many(std::span<std::uint64_t>(values.data(), batch));
    for (std::size_t i = 0; i < got; ++i) {
      check.add(values[i]);
    }
    settle(queue, got);
  }
  check.require_first(items, "account_steps");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) throw std::invalid_argument("usage: account_steps settled|left BATCH ITEMS");
    const bool settled = std::string(argv[1]) == "settled";
    const std::size_t batch = std::stoul(argv[2]);
    const std::uint64_t items = std::stoull(argv[3]);
    if (batch == 0 || batch > kMaxBatch || items % batch != 0) {
      throw std::invalid_argument("BATCH is 1 to 64 and divides ITEMS");
    }
    if (settled) {
      pass<SluiceQueue<std::uint64_t>>(batch, items);
    } else {
      pass<UnaccountedSluiceQueue<std::uint64_t>>(batch, items);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "account_steps: %s\n", error.what());
    return 1;
  }
}
