#!/bin/sh
# bench/compile_time.sh: how long a four-stage program takes to compile, beside one that includes only
# the standard headers that ours include.
#
#   bench/compile_time.sh [PAIRS]          default 15; CXX and CXXFLAGS are respected
#
# The pairs are interleaved; user time is compared, which other programs disturb least.
# SPDX-License-Identifier: MIT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
pairs=${1:-15}
cxx=${CXX:-g++}
flags="-std=c++20 -O2 -g ${CXXFLAGS:-} -I$root/framework -I$root/stages"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/compile_time/four_stages.cpp" "$work/ours.cpp"
# The standard headers that are reached from <sluice/sluice.hpp> through our own headers.
$cxx $flags -M "$work/ours.cpp" | tr -s ' \\' '\n\n' | grep "^$root/" | sort -u |
  xargs sed -n 's/^# *include \(<[a-z_]*>\).*/#include \1/p' | sort -u > "$work/standard.cpp"
echo 'int main() {}' >> "$work/standard.cpp"

user_ms() {
  /usr/bin/time -f '%U' -o "$work/time" $cxx $flags -c "$1" -o "$work/object.o"
  awk '{ printf "%d", $1 * 1000 }' "$work/time"
}

user_ms "$work/ours.cpp" > /dev/null  # warms the file cache
i=0
while [ "$i" -lt "$pairs" ]; do
  echo "$(user_ms "$work/ours.cpp") $(user_ms "$work/standard.cpp")"
  i=$((i + 1))
done > "$work/pairs"

lines_of() { $cxx $flags -E -P "$1" | wc -l; }
median_of() { awk "{ print \$$1 }" "$work/pairs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio=$(awk '{ printf "%.3f\n", $1 / $2 }' "$work/pairs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
echo "| program | user time, median of $pairs | lines after preprocessing |"
echo "|---|---|---|"
echo "| four stages | $(median_of 1) ms | $(lines_of "$work/ours.cpp") |"
echo "| its standard headers | $(median_of 2) ms | $(lines_of "$work/standard.cpp") |"
echo
echo "ratio, median of the pairs: $ratio"
