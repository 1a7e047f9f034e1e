// tests/processes/mix_program.cpp: a random pipeline with stages on threads, on the pool and in processes.
//
// On standard output "SINK|any|LINE" or "SINK|in order|LINE" for each item that arrived (mix_items.hpp).
// SPDX-License-Identifier: MIT
#include <sluice/main.hpp>
#include <sluice/process/channel.hpp>

#include <processes/mix_builder.hpp>

namespace {

using sluice::ArgKind;

void mix(sluice::Pipeline& p, const sluice::Args& args) {
  if (args.flag("packets")) {
    sluice::detail::set_kind_of_runs(sluice::detail::ChannelPlan::Kind::packet);
  }
  sluice::testing_support::build_mix(p, {.seed = args.number("seed"),
                                         .on_threads = args.flag("threads"),
                                         .count = args.number("count")});
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::main(
      argc, argv,
      {{.name = "mix",
        .summary = "a random pipeline",
        .args = {{.name = "seed", .kind = ArgKind::number, .help = "decides what it is"},
                 {.name = "count", .kind = ArgKind::number, .help = "items", .fallback = "600"},
                 {.name = "threads", .kind = ArgKind::flag, .help = "all stages on threads"},
                 {.name = "packets", .kind = ArgKind::flag, .help = "over the simple channel"}},
        .build = mix}},
      {.name_required = true});
}
