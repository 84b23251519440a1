#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run an example and compare its output with what its source promises.
#
#	expect.sh SOURCE COMMAND...
#
# What is expected stands at the end of the comment at the head of SOURCE, from
# " * Expect:    " on, 14 columns to the right.
set -u

source=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^ \* Expect: /,/^ \*\//p' "$source" | sed '$d' | cut -c 15- \
	>"$work/expected"
[ -s "$work/expected" ] || { echo "$source: expects nothing"; exit 1; }
"$@" >"$work/printed"
status=$?
# musl words three errors otherwise.
sed -e 's/Operation timed out/Connection timed out/' \
	-e 's/No error information/Success/' \
	-e 's/Resource deadlock would occur/Resource deadlock avoided/' \
	"$work/printed" | diff "$work/expected" - || exit 1
exit $status
