#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The assembly claims what is true: IBT (x86-64), BTI (aarch64) or nothing
# (riscv64), no shadow stack, no signed return addresses, no executable stack.
#
# usage: notes.sh READELF AR libgofer.a ARCHITECTURE
set -eu

object=$(mktemp)
trap 'rm -f "$object"' EXIT
"$2" p "$3" "switch_$4.S.o" >"$object"

features=$("$1" -nW "$object" | sed -n 's/.*feature: *//p')
case $4 in
x86_64) want=IBT ;;
aarch64) want=BTI ;;
*) want= ;;
esac
if [ "$features" != "$want" ]; then
	echo "property note claims \"$features\", not \"$want\""
	exit 1
fi
"$1" -SW "$object" | grep -F .note.GNU-stack >/dev/null || {
	echo "no .note.GNU-stack"
	exit 1
}
if "$1" -SW "$object" | grep -F .note.GNU-stack | grep -q ' X '; then
	echo "the stack is executable"
	exit 1
fi
