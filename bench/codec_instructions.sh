#!/bin/sh
# bench/codec_instructions.sh: instructions to encode and to decode a value, counted by callgrind.
#
#   bench/codec_instructions.sh [PATH OF bench_codec_steps]
#
# Two lengths are run and subtracted, so that starting the program does not count.
# SPDX-License-Identifier: MIT
set -eu
steps=${1:-build/release/bin/bench_codec_steps}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# instructions MODE KIND ITEMS
instructions() {
  valgrind --tool=callgrind --callgrind-out-file="$work/out" "$steps" "$1" "$2" "$3" 2> "$work/log" ||
    { cat "$work/log" >&2; exit 1; }
  sed -n 's/^summary: //p; s/^totals: //p' "$work/out" | head -n 1
}

# per_item MODE KIND
per_item() {
  short=$(instructions "$1" "$2" 20)
  long=$(instructions "$1" "$2" 120)
  echo "$short $long" | awk '{ printf "%.0f", ($2 - $1) / 100 }'
}

echo "| value | encode | decode |"
echo "|---|---|---|"
for kind in raw padded texts doubles rows block; do
  echo "| $kind | $(per_item encode $kind) | $(per_item decode $kind) |"
done
