#!/bin/sh
# bench/account_instructions.sh: instructions per item of a put, a get and their settling, with and
# without the settling, counted by callgrind.
#
#   bench/account_instructions.sh [PATH OF bench_account_steps]
#
# Two lengths are run and subtracted, so that starting the program does not count.
# SPDX-License-Identifier: MIT
set -eu
steps=${1:-build/release/bin/bench_account_steps}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# instructions MODE BATCH ITEMS
instructions() {
  valgrind --tool=callgrind --callgrind-out-file="$work/out" "$steps" "$1" "$2" "$3" 2> "$work/log" ||
    { cat "$work/log" >&2; exit 1; }
  sed -n 's/^summary: //p; s/^totals: //p' "$work/out" | head -n 1
}

per_item() {
  short=$(instructions "$1" "$2" 64000)
  long=$(instructions "$1" "$2" 192000)
  echo "$short $long" | awk '{ printf "%.2f", ($2 - $1) / 128000 }'
}

echo "| batch | settled | left | the account costs |"
echo "|---|---|---|---|"
for batch in 1 8 64; do
  settled=$(per_item settled "$batch")
  left=$(per_item left "$batch")
  echo "$batch $settled $left" |
    awk '{ printf "| %d | %.2f | %.2f | %+.2f (%+.1f %%) |\n", $1, $2, $3, $2 - $3, 100 * ($2 - $3) / $3 }'
done
