#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The HTTP server of examples/ against the hand-written epoll loop, by turns,
# under wrk (Debian's package; tools/setup --all installs it).
#
# As bench/compare.sh: both servers stay up on CPU 0, wrk on CPU 1 measures them
# alternately, in changing order, and what counts is the ratio of each pair of
# neighbours: its median, with the smallest and the greatest pair.
#
# usage: bench/http.sh [-n PAIRS] [-d SECONDS] [BUILD_DIRECTORY
#                      [CONNECTIONS ...]]
set -u

pairs=7 seconds=2
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
[ $# -gt 0 ] || set -- 50
bin=$build/bench

. "$(dirname "$0")/servers.sh"

command -v wrk >/dev/null || {
	echo "http.sh: wrk is not installed; skipped" >&2
	exit 77
}
results=$(mktemp)
trap 'stop_servers; rm -f "$results"' EXIT

# once NAME PID ADDRESS CONNECTIONS PAIR
once()
{
	line=$(load_http "$2" "$3" "$4" "$seconds") || {
		echo "http.sh: no answer from $1" >&2
		exit 1
	}
	echo "$1 $5 $(field server_us "$line") $(field rps "$line")" \
		"$(field p99_us "$line") $(field errors "$line")" >>"$results"
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
		bad += $6
		n = $2
	}
	END {
		printf "\nHTTP, %s connections, %d pairs\n", connections, n
		printf "%-13s %22s %24s %22s\n", "", "CPU us/request", \
			"requests/s", "p99 ms"
		row("gofer", "gofer", 0)
		row("epoll loop", "epoll", 0)
		row("ratio", "ratio", 2)
		if (bad)
			printf "wrk saw errors in %d runs\n", bad
	}' "$results"
}

choose_cpus
[ "$on_server" ] || echo "Only one CPU: server and client disturb each other."
start "$build/examples/http_hello"
gofer="$pid $address"
start "$bin/http_epoll"
epoll="$pid $address"
await "${gofer#* }" && await "$address"

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
