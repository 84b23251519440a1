#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The echo server against the hand-written epoll loop, by turns.
#
# Absolute times on a shared machine drift by a third within minutes.  So both
# servers stay up on CPU 0, the client on CPU 1 measures them alternately, in
# changing order, and what counts is the ratio of each pair of neighbours: its
# median, with the smallest and the greatest pair.
#
# usage: bench/compare.sh [-n PAIRS] [-d SECONDS] [BUILD_DIRECTORY
#                         [CONNECTIONS ...]]
set -u

pairs=9 seconds=1
while getopts n:d: option; do
	case $option in
	n) pairs=$OPTARG ;;
	d) seconds=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
build=${1:-build}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 50 1000
bin=$build/bench

. "$(dirname "$0")/servers.sh"

results=$(mktemp)
trap 'stop_servers; rm -f "$results"' EXIT

# once NAME PID ADDRESS CONNECTIONS PAIR
once()
{
	line=$(load "$2" "$3" -c "$4" -w 0.3 -d "$seconds")
	if [ "$(field requests "$line")" = - ]; then
		echo "compare.sh: no answer from $1" >&2
		exit 1
	fi
	echo "$1 $5 $(field server_us "$line") $(field rps "$line")" \
		"$(field p99_us "$line") $(field errors "$line")" \
		"$(field starved "$line")" >>"$results"
}

# table CONNECTIONS: medians, and the ratios pair by pair.
table()
{
	awk -v connections="$1" '
	function order(list, n,    i, j, x) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
				x = list[j]
				list[j] = list[j - 1]
				list[j - 1] = x
			}
	}
	function cell(key, name, unit, digits,    i, list) {
		for (i = 1; i <= n; i++)
			list[i] = name == "ratio" ? \
				value[key, "gofer", i] / \
				value[key, "epoll", i] : \
				value[key, name, i] / unit
		order(list, n)
		return sprintf("%.*f (%.*f-%.*f)", digits, \
			list[int((n + 1) / 2)], digits, list[1], \
			digits, list[n])
	}
	function row(label, name, digits) {
		printf "%-13s %22s %24s %22s\n", label, \
			cell("cpu", name, 1, 2), \
			cell("rps", name, 1, digits), \
			cell("p99", name, 1000, 2)
	}
	{
		value["cpu", $1, $2] = $3
		value["rps", $1, $2] = $4
		value["p99", $1, $2] = $5
		bad += $6 + $7
		n = $2
	}
	END {
		printf "\n%s connections, %d pairs\n", connections, n
		printf "%-13s %22s %24s %22s\n", "", "CPU us/request", \
			"requests/s", "p99 ms"
		row("gofer", "gofer", 0)
		row("epoll loop", "epoll", 0)
		row("ratio", "ratio", 2)
		if (bad)
			printf "%d connections broke off or starved\n", bad
	}' "$results"
}

raise_files 10200
choose_cpus
[ "$on_server" ] || echo "Only one CPU: server and client disturb each other."
start "$build/examples/echo_server"
gofer="$pid $address"
start "$bin/echo_epoll"
epoll="$pid $address"

for connections; do
	: >"$results"
	pair=1
	while [ $pair -le "$pairs" ]; do
		progress "$connections connections: pair $pair of $pairs ..."
		if [ $((pair % 2)) = 1 ]; then
			once gofer $gofer "$connections" $pair
			once epoll $epoll "$connections" $pair
		else
			once epoll $epoll "$connections" $pair
			once gofer $gofer "$connections" $pair
		fi
		pair=$((pair + 1))
	done
	progress ''
	table "$connections"
done
