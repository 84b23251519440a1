#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Assembles the switches for macOS, whose objects have another form, and looks
# for each function's symbol there: what an assembler takes for a comment does
# not come to be missed otherwise.
#
#	macho.sh SOURCE_FOLDER
set -u

if ! command -v clang >/dev/null; then
	echo "skipped: no clang"
	exit 77
fi
object=$(mktemp) || exit 2
trap 'rm -f "$object"' EXIT
failed=0

check() # SOURCE_FOLDER TARGET PROCESSOR
{
	source=$1/src/arch/switch_$3.S
	clang -target "$2" -c -I"$1/src" -o "$object" "$source" || {
		failed=1
		return
	}
	names=$(sed -n 's/^FUNC_BEGIN(\(.*\)):$/\1/p' "$source")
	for name in $names go__context_start; do
		tr '\0' '\n' <"$object" | LC_ALL=C grep -qax "_$name" || {
			echo "$2: no symbol _$name"
			failed=1
		}
	done
	echo "$2: $(echo "$names" | wc -l) functions"
}

check "$1" arm64-apple-macos11 aarch64
check "$1" x86_64-apple-macos11 x86_64
exit $failed
