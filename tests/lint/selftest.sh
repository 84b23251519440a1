#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Shows that tlslint reports each function bad_... of samples.c, and no other.
#
#	selftest.sh TLSLINT OBJDUMP CC [FLAGS...]
set -u

tlslint=$1
objdump=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

grep -o '^[a-z].*\<bad_[a-z_]*' "$here/samples.c" | grep -o 'bad_.*' |
	sort -u >"$work/expected"
for flags in "-O0" "-O2" "-O3" "-O2 -fPIC" "-O3 -fPIC" \
	"-O2 -fstack-protector-strong"; do
	# shellcheck disable=SC2086
	"$@" -std=gnu11 -w $flags -c "$here/samples.c" \
		-o "$work/samples.o" || exit 2
	"$tlslint" -S -o "$objdump" -c "$here/samples.txt" "$work/samples.o" \
		>"$work/out"
	[ $? -eq 1 ] || failed=1
	sed -n 's/^[^ ]*: \([a-z_]*\): touches.*/\1/p' "$work/out" |
		sort >"$work/found"
	if ! diff "$work/expected" "$work/found" >"$work/diff"; then
		echo "$* $flags: expected (<) and found (>) differ:"
		cat "$work/diff" "$work/out"
		failed=1
	fi
done
[ $failed -eq 0 ] && echo "$*: tlslint found what it should, and no more"
exit $failed
