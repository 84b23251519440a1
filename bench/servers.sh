# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What run and demo.sh share: starting servers, putting load on them, and
# reading the client's answers.
#
# Sourced, after `bin` names the directory with the benchmark programs.  Each
# server gets one CPU and the client another, so that neither disturbs the
# other; whatever was started is ended.

pids=

stop_servers()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	pids=
}

trap stop_servers EXIT
trap 'exit 130' INT TERM

# Where two CPUs are to be had: "taskset -c 0" and so on.
choose_cpus()
{
	on_server= on_client=
	if taskset -c 0 true 2>/dev/null && taskset -c 1 true 2>/dev/null; then
		on_server="taskset -c 0" on_client="taskset -c 1"
	fi
}

# raise_files N: allow N open files here and in what is started from here.
raise_files()
{
	ulimit -S -n "$1" 2>/dev/null || ulimit -n "$1" 2>/dev/null ||
		ulimit -S -n "$(ulimit -H -n)"
	files=$(ulimit -S -n)
	[ "$files" = unlimited ] && files=$1
	[ "$files" -ge "$1" ] || echo "The system allows only $files open" \
		"files (ulimit -n): fewer connections than wished."
}

# start PROGRAM [ARGUMENT...]: sets pid and address, which is the program's last
# argument.  The client waits until it listens.
start()
{
	address=127.0.0.1:$("$bin/echo_load" --free-port)
	$on_server "$@" "$address" >/dev/null &
	pid=$!
	pids="$pids $pid"
}

# await ADDRESS: until a server listens there; ten seconds at most.
await()
{
	port=$(printf '%04X' "${1##*:}")
	tries=0
	until grep -q ":$port 0*:0000 0A" /proc/net/tcp; do
		tries=$((tries + 1))
		[ $tries -le 100 ] || return
		sleep 0.1
	done
}

stop()
{
	kill "$1" 2>/dev/null && wait "$1" 2>/dev/null
	rest=
	for other in $pids; do
		[ "$other" = "$1" ] || rest="$rest $other"
	done
	pids=$rest
}

# load PID ADDRESS OPTION...: prints the client's line of results.  The client
# has its own deadlines; the limit here is for a machine that hangs.
load()
{
	of=$1 at=$2
	shift 2
	timeout 60 $on_client "$bin/echo_load" "$at" --pid "$of" --line "$@"
}

# Microseconds of CPU that the threads of a process have used.
cpu_us()
{
	cat /proc/"$1"/task/*/schedstat 2>/dev/null |
		awk '{ ns += $1 } END { printf "%.0f", ns / 1000 }'
}

# load_http PID ADDRESS CONNECTIONS SECONDS: wrk's answer as such a line.
load_http()
{
	before=$(cpu_us "$1")
	said=$(timeout 60 $on_client wrk -t 1 -c "$3" -d "${4}s" --latency \
		"http://$2/" 2>&1)
	echo "$said" | awk -v cpu="$(cpu_us "$1")" -v before="$before" '
	$1 == "50%" || $1 == "99%" {
		us = $2 + 0
		if ($2 !~ /us$/)
			us *= $2 ~ /ms$/ ? 1000 : 1000000
		quantile[$1] = us
	}
	$2 == "requests" && $3 == "in" { requests = $1 }
	/^Requests\/sec:/ { rps = $2 }
	/Socket errors|Non-2xx/ { errors = 1 }
	END {
		if (!requests)
			exit 1
		printf "requests=%d rps=%s p50_us=%s p99_us=%s errors=%d " \
			"server_us=%.3f\n", requests, rps, quantile["50%"], \
			quantile["99%"], errors, (cpu - before) / requests
	}'
}

# field KEY LINE: the value of key=value in a line of results, else "-".
field()
{
	case " $2 " in
	*" $1="*) value="${2#*"$1"=}" && echo "${value%% *}" ;;
	*) echo - ;;
	esac
}

# calculate EXPRESSION FORMAT: printf FORMAT with the value of an expression.
calculate()
{
	awk "BEGIN { printf \"$2\", $1 }" 2>/dev/null || echo -
}

# 1234567 becomes 1,234,567.
thousands()
{
	echo "$1" | sed -e ':again' \
		-e 's/^\([0-9]\{1,\}\)\([0-9]\{3\}\)/\1,\2/' -e 't again'
}

# A line that says what is going on, wiped by the next call; only on terminals.
progress()
{
	[ -t 2 ] && printf '\r\033[K%s' "$1" >&2
	return 0
}
