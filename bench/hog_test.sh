#!/bin/sh
# SPDX-License-Identifier: MIT
#
# That bench/hog prints each of its four lines, with as many hogs as workers
# were asked for, and that somebody slept and was answered in each.  How late
# they were is not looked at.
#
#	bench/hog_test.sh COMMAND...	the program, without its arguments
set -u

lines=$("$@" 2 0.5) || { echo "hog_test: hog fails" >&2; exit 1; }
echo "$lines"
echo "$lines" | awk '
	BEGIN {
		what[1] = "no hogs"
		what[2] = "hogs"
		what[3] = "hogs, nothing is lent"
		what[4] = "hogs, threads"
		ms = "[0-9]+\\.[0-9] ms"
		some = "[1-9][0-9]*"
	}
	{
		hogs = NR > 1 ? 2 : 0
		form = "^" what[NR] " +" hogs " hogs: " \
			"worst sleep +" ms " late of +" some ", " \
			"worst echo +" ms " of +" some "$"
		if (NR > 4 || $0 !~ form) {
			print "hog_test: line " NR " is wrong"
			wrong = 1
		}
	}
	END {
		if (NR < 4)
			print "hog_test: only " NR " lines"
		exit wrong || NR != 4
	}' >&2
