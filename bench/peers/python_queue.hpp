// bench/peers/python_queue.hpp: Python's multiprocessing.Queue, where there is a python3.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/command.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

namespace sluice::bench {

inline constexpr const char* kPython = R"(
import multiprocessing, sys
items, size, echo = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == 'echo'
def work(down, up):
    total = 0
    for _ in range(items):
        item = down.get()
        total += len(item)
        if echo: up.put(item)
    sys.exit(0 if total == items * size else 1)
down, up = multiprocessing.Queue(64), multiprocessing.Queue(64)
worker = multiprocessing.Process(target=work, args=(down, up))
worker.start()
item, back = bytes(size), 0
for i in range(items):
    down.put(item)
    if echo and i >= 16: back += len(up.get())
while echo and back < items * size: back += len(up.get())
worker.join()
sys.exit(worker.exitcode)
)";

[[nodiscard]] inline bool has_python() {
  static const bool found = [] {
    try {
      return run_command({"python3", "-c", "print(1)"}) == "1\n";
    } catch (const std::exception&) {
      return false;
    }
  }();
  return found;
}

/// Starts Python, moves the items and checks their number and size there.
/// Throws   std::runtime_error when they are not right.
inline void move_through_python(std::uint64_t items, std::size_t size, bool echo) {
  static_cast<void>(run_command({"python3", "-c", kPython, std::to_string(items),
                                 std::to_string(size), echo ? "echo" : "one way"}));
}

}  // namespace sluice::bench
