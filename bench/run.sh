#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the benchmarks that are built, one after the other, and say on what.
#
# usage: bench/run.sh [BUILD_DIRECTORY [NAME ...]]
set -u

build=${1:-build}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- switch yield spawn skynet mutex sync chan select \
	deadline blocking parked idle compare

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
echo "$(nproc) CPUs (${cpu:-$(uname -m)}), $(uname -sr)"
load=$(cut -d ' ' -f 1 /proc/loadavg)
echo "load average at the start: $load"
for name; do
	echo
	if [ "$name" = compare ]; then
		"$(dirname "$0")/compare.sh" "$build"
	elif [ -x "$build/bench/$name" ]; then
		"$build/bench/$name"
	else
		echo "$build/bench/$name is not built"
	fi
done
