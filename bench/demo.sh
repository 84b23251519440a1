#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Show the echo server under load, beside the same program with a thread per
# connection.  About one minute, everything on the loopback interface.
#
# usage: bench/demo.sh [BUILD_DIRECTORY]
set -u

build=${1:-build}
bin=$build/bench
server=$build/examples/echo_server
threads=$build/examples/echo_threads
most=10000

for program in "$bin/echo_load" "$server" "$threads"; do
	[ -x "$program" ] && continue
	echo "demo.sh: $program is missing; build first, or name the build" \
		"directory" >&2
	exit 1
done

. "$(dirname "$0")/servers.sh"

columns='%11s %10s %9s %9s %9s %7s %14s\n'

# row CONNECTIONS: one measurement of the server that runs, one row.
row()
{
	progress "$what: $1 connections ..."
	warm=0.5
	[ "$1" -ge 10000 ] && warm=1
	line=$(load "$pid" "$address" -c "$1" -w $warm -d 2.5 2>/dev/null)
	progress ''
	if [ "$(field requests "$line")" = - ]; then
		printf "$columns" "$(thousands "$1")" 'no answer' - - - - -
		return
	fi
	reached=$(field reached "$line")
	lost=$(field errors "$line")
	starved=$(field starved "$line")
	rps=$(field rps "$line")
	printf "$columns" "$(thousands "$reached")" "$(thousands "$rps")" \
		"$(calculate "$(field p50_us "$line") / 1000" %.2f)" \
		"$(calculate "$(field p99_us "$line") / 1000" %.2f)" \
		"$(calculate "$(field p999_us "$line") / 1000" %.2f)" \
		"$((lost + starved))" \
		"$(calculate "$(field server_us "$line")" %.2f)"
	[ "$reached" -lt "$1" ] &&
		echo "            (that is as many of $1 as it reached)"
	return 0
}

# idle: memory per connection in a server that has seen none before.
idle()
{
	progress "$what: memory of $most idle connections ..."
	line=$(load "$pid" "$address" --idle "$most" --hold 0 2>/dev/null)
	progress ''
	reached=$(field reached "$line")
	[ "$reached" = - ] && echo "  memory: no answer" && return
	each=$(calculate "$(field rss_kb "$line") * 1024 / $reached" %.0f)
	tables=$(calculate "$(field pte_kb "$line") * 1024 / $reached" %.0f)
	echo "  $(thousands "$reached") idle connections:" \
		"$(thousands "$each") bytes resident each," \
		"$(thousands "$tables") more of page tables"
}

# show PROGRAM WHAT: all about one server.
show()
{
	what=$2
	printf '\n%s\n' "$what"
	printf "$columns" connections requests/s 'p50 ms' 'p99 ms' 'p99.9 ms' \
		errors 'CPU us/request'
	start "$1"
	for connections in 50 1000 $most; do
		row $connections
	done
	stop "$pid"
	start "$1"
	idle
	stop "$pid"
}

raise_files $((most + 200))
[ "$files" -lt $((most + 200)) ] && most=$((files - 200))
choose_cpus
echo "Echo of 64-byte messages over loopback TCP, one under way on each" \
	"connection."
if [ "$on_server" ]; then
	echo "The server has CPU 0, the load client CPU 1."
else
	echo "One CPU only: server and load client share it."
fi

show "$server" "gofer: a task per connection (examples/echo_server.c)"
gofer_rps=$rps gofer_each=$each
show "$threads" "threads: a thread per connection (examples/echo_threads.c)"
printf "\nAt %s connections gofer serves %s times the requests of threads,\n" \
	"$(thousands "$reached")" "$(calculate "$gofer_rps / $rps" %.1f)"
printf "and takes %s times their memory per connection.\n" \
	"$(calculate "$gofer_each / $each" %.2f)"
echo "(A thread also has a kernel stack, 16 KiB, that is not counted here.)"
