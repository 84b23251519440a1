#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What operations cost in instructions of user space, counted by callgrind:
# figures that do not depend on how busy the machine is.
#
#	bench/profile.sh BUILD_DIRECTORY [FIGURES]
#
# FIGURES has lines "NAME INSTRUCTIONS": what it was when it was last written
# down.  What costs over a quarter more now, or is not counted any more, is said
# and makes this fail.  Without FIGURES it prints such lines, rounded.
#
# Exits with 77 where there is no valgrind, or no build that knows it, and
# without FIGURES also where valgrind cannot read the program (clang's DWARF 5).
set -u

build=${1:?usage: profile.sh BUILD_DIRECTORY [FIGURES]}
figures=${2:-}
program=$build/bench/profile

command -v valgrind >/dev/null || {
	echo "profile: skipped: valgrind is not installed"
	exit 77
}
[ -x "$program" ] || {
	echo "profile: there is no $program" >&2
	exit 2
}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# Nothing from outside that makes the runtime do other work.
for name in $(env | sed -n 's/^\(GOFER_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done
valgrind --tool=callgrind --combine-dumps=yes \
	--callgrind-out-file="$dir/out" "$program" >"$dir/log" 2>&1
status=$?
if [ $status -eq 77 ]; then
	echo "profile: skipped: $(grep '^profile:' "$dir/log")"
	exit 77
elif [ -z "$figures" ] && grep -q 'debuginfo reader' "$dir/log"; then
	echo "profile: skipped: valgrind cannot read the debugging information"
	exit 77
elif [ $status -ne 0 ]; then
	cat "$dir/log" >&2
	exit 1
fi

awk -v figures="$figures" '
/^desc: Trigger: Client Request: / { name = $5; times = $6 }
/^totals: / && name {
	order[++n] = name
	cost[name] = $2 / times
	name = ""
}
END {
	if (!n) {
		print "profile: callgrind has counted nothing"
		exit 1
	}
	while (figures != "" && (getline line < figures) > 0) {
		if (line ~ /^#/ || split(line, part, " ") != 2)
			continue
		was[part[1]] = part[2]
		bounds++
		if (!(part[1] in cost)) {
			print "profile: " part[1] " is not counted any more"
			failed = 1
		}
	}
	if (figures != "" && !bounds) {
		print "profile: no figures in " figures
		exit 1
	}
	for (i = 1; i <= n; i++) {
		name = order[i]
		if (figures == "") {
			printf "%s %.0f\n", name, cost[name]
			continue
		}
		bad = name in was && cost[name] > 1.25 * was[name]
		printf "%-16s %7.1f instructions, was %s: x %.2f%s\n", name, \
			cost[name], name in was ? was[name] : "not known", \
			name in was ? cost[name] / was[name] : 0, \
			bad ? "  TOO MANY" : ""
		failed = failed || bad || !(name in was)
	}
	exit failed
}' "$dir/out"
