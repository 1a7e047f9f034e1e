// support/jam.hpp: a pipeline that stands still, and what explain() says about it then.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/carriers.hpp>
#include <support/gate.hpp>
#include <support/numbers.hpp>
#include <support/watched_run.hpp>

#include <sluice/sluice.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// The line of a text that begins so, without its indentation.
inline std::string line_of(const std::string& text, const std::string& beginning) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    line.erase(0, line.find_first_not_of(' '));
    if (line.starts_with(beginning)) return line;
    at = end + 1;
  }
  return "no line begins with " + beginning;
}

/// "blocked for 0.012 s, waits" without the figure: "blocked for _ s, waits".
inline std::string without_times(std::string line) {
  for (std::size_t at = line.find(" for "); at != line.npos; at = line.find(" for ", at + 1)) {
    const std::size_t figure = at + 5;
    const std::size_t end = line.find_first_not_of("0123456789.", figure);
    if (end != line.npos && end > figure) line.replace(figure, end - figure, "_");
  }
  return line;
}

/// Blocks until the text has all these lines at once; the watchdog shows the text when it never does. In a
/// jam nothing changes any more, but nobody signals that the last worker has come to rest.
inline std::string jammed(WatchedRun& run, const std::vector<std::string>& lines) {
  std::string text;
  const auto has = [&text](const std::string& line) {
    return without_times(line_of(text, line.substr(0, line.find(':')))) == line;
  };
  wait_until([&] {
    text = run->explain();
    return std::all_of(lines.begin(), lines.end(), has);
  });
  return text;
}

/// On a pool of one thread a held callback holds the only thread there is.
inline bool can_hold(const CarrierMix& mix) {
  return pool_size() >= 2 || (mix.even == Carrier::thread && mix.odd == Carrier::thread);
}

/// Waits at a gate in the callback of one item.
inline auto hold_at(Gate& gate, Number item) {
  return [&gate, item](Number n) {
    if (n == item) gate.pass();
    return n;
  };
}
inline Number same(Number n) { return n; }

inline StageOptions narrow(Carrier carrier) {
  return {.carrier = carrier, .capacity = 1, .batch = 1};
}
inline SinkOptions narrow_sink(Carrier carrier) {
  return {.carrier = carrier, .capacity = 1, .batch = 1};
}

}  // namespace sluice::testing_support
