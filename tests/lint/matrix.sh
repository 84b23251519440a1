#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs tlslint over the library as every compiler at hand makes it, for x86-64
# and aarch64, and its self-test with the same compilers.
#
#	matrix.sh TLSLINT ROOT ARCH SOURCES...
#
# With GOFER_TEST_ROUNDS of more than 100 (tools/test --long), at more levels of
# optimisation.
set -u

tlslint=$1
root=$2
arch=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
cache=
command -v ccache >/dev/null && cache=ccache
jobs=$(nproc 2>/dev/null || echo 2)
many="-O2 -fPIC;-O3"
[ "${GOFER_TEST_ROUNDS:-100}" -gt 100 ] && many="-O2;-O3;-O2 -fPIC;-O3 -fPIC"
cd "$root" || exit 2

# lint_with OBJDUMP ARCH SOURCES... with $cc and $flags.
lint_with()
{
	objdump=$1
	target=$2
	shift 2
	rm -f "$work"/*.o
	# shellcheck disable=SC2016
	printf '%s\n' "$@" | sed "s/_$arch\.S\$/_$target.S/" |
		xargs -P "$jobs" -n 4 sh -c '
		compile=$1 work=$2
		shift 2
		for source; do
			object=$work/$(echo "$source" | tr / -).o
			$compile -c "$source" -o "$object" || exit 255
		done' sh "$cache $cc -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -w \
			$flags -fvisibility=hidden" "$work" || return 1
	"$tlslint" -S -o "$objdump" -c "$here/pointers.txt" "$work"/*.o
}

try() # OBJDUMP TARGET CC...
{
	objdump=$1
	target=$2
	cc=$3
	if ! command -v "${cc%% *}" >/dev/null ||
		! command -v "$objdump" >/dev/null ||
		! echo '#include <errno.h>' | $cc -E - >/dev/null 2>&1; then
		echo "$cc: skipped, not installed"
		return
	fi
	shift 3
	# shellcheck disable=SC2086
	sh "$here/selftest.sh" "$tlslint" "$objdump" $cc || failed=1
	left=$many
	while [ -n "$left" ]; do
		flags=${left%%;*}
		left=${left#"$flags"}
		left=${left#;}
		printf '%s %s: ' "$cc" "$flags"
		lint_with "$objdump" "$target" "$@" >"$work/out" 2>&1 ||
			failed=1
		cat "$work/out"
	done
}

try objdump x86_64 gcc "$@"
try objdump x86_64 clang "$@"
try aarch64-linux-gnu-objdump aarch64 aarch64-linux-gnu-gcc "$@"
cross="clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include"
[ -d /usr/aarch64-linux-gnu/include ] &&
	try aarch64-linux-gnu-objdump aarch64 "$cross" "$@"
exit $failed
