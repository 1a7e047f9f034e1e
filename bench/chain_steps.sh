#!/usr/bin/env bash
# bench/chain_steps.sh BIN_DIR: instructions per item of the chain with and without accounting.
# The difference of two lengths leaves out start and end. Needs valgrind.
set -euo pipefail
bin=${1:?usage: bench/chain_steps.sh BIN_DIR}
instructions() {  # PROGRAM ITEMS
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
per_item() {  # PROGRAM
  local short long
  short=$(instructions "$1" 100000)
  long=$(instructions "$1" 300000)
  awk -v a="$short" -v b="$long" 'BEGIN { printf "%.2f", (b - a) / 200000 }'
}
with=$(per_item "$bin/bench_chain_steps")
without=$(per_item "$bin/bench_chain_steps_bare")
awk -v w="$with" -v o="$without" 'BEGIN {
  printf "chain of 4, batch 64: %s instructions per item with accounting, %s without: %+.1f %%\n", w, o, 100 * (w - o) / o }'
