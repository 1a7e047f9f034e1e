#!/bin/sh
# bench/compile_time.sh: how long a four-stage program takes to compile, beside one that includes only
# the standard headers that ours include.
#
#   bench/compile_time.sh [ROUNDS]         default 15; CXX and CXXFLAGS are respected
#
# The programs are compiled in turns; user time is compared, which other programs disturb least.
# SPDX-License-Identifier: MIT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
rounds=${1:-15}
cxx=${CXX:-g++}
flags="-std=c++20 -O2 -g ${CXXFLAGS:-} -I$root/framework -I$root/stages"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/compile_time/four_stages.cpp" "$work/ours.cpp"
# The standard headers that are reached from <sluice/sluice.hpp> through our own headers.
$cxx $flags -M "$work/ours.cpp" | tr -s ' \\' '\n\n' | grep "^$root/" | sort -u |
  xargs sed -n 's/^# *include \(<[a-z_]*>\).*/#include \1/p' | sort -u > "$work/standard.cpp"
echo 'int main() {}' >> "$work/standard.cpp"

echo '#include <sluice/sluice.hpp>
int main() {}' > "$work/include.cpp"

# user_ms PROGRAM: milliseconds of user time to compile it.
user_ms() {
  /usr/bin/time -f '%U' -o "$work/time" $cxx $flags -c "$work/$1.cpp" -o "$work/object.o"
  awk '{ printf "%d", $1 * 1000 }' "$work/time"
}

# median_of AWK_EXPRESSION over the lines of the measurements.
median_of() {
  awk "{ print $1 }" "$work/runs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

row() { echo "| $1 | $(median_of "\$$2") ms | $(median_of "sprintf(\"%.2f\", \$$2 / \$3)") | $($cxx $flags -E -P "$work/$3.cpp" | wc -l) |"; }

user_ms ours > "$work/runs"  # warms the file cache; overwritten below
i=0
while [ "$i" -lt "$rounds" ]; do
  ours=$(user_ms ours)
  include=$(user_ms include)
  standard=$(user_ms standard)
  echo "$ours $include $standard"
  i=$((i + 1))
done > "$work/runs"

echo "| program | user time, median of $rounds | in units of the last row | lines after preprocessing |"
echo "|---|---|---|---|"
row "four stages" 1 ours
row "sluice.hpp and nothing else" 2 include
row "its standard headers" 3 standard
