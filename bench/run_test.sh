#!/bin/sh
# SPDX-License-Identifier: MIT
#
# That bench/run does all that it lists, and that what it writes can be read.
#
#	bench/run_test.sh BUILD_DIRECTORY
#
# A quick look without peers: each figure of bench/figures that such a look
# takes (no 10,000 connections; HTTP only where wrk is) must have a value of
# gofer's, and nothing else may.
set -u

build=${1:?usage: run_test.sh BUILD_DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
failed=0

wrong()
{
	echo "run_test: $*" >&2
	failed=1
}

"$here/run" --alone -q -b "$build" -o "$dir" >"$dir/log" 2>&1 ||
	wrong "bench/run fails"

without='^echo\.[0-9]+\.10000\.'
command -v wrk >/dev/null || without="$without|^http\."
[ -x "$build/bench/switch" ] || without="$without|^switch\."
awk -F '|' '!/^#/ && NF { print $1 }' "$here/figures" |
	grep -vE "$without" | sort >"$dir/wanted"
# A difference of two times may be below nothing on a busy machine.
awk '$2 == "gofer" && $3 ~ /^-?[0-9]/ { print $1 }' "$dir/values" |
	sort -u >"$dir/found"
comm -3 "$dir/wanted" "$dir/found" >"$dir/differ"
[ -s "$dir/differ" ] && wrong "figures missing, and unknown ones:" \
	"$(tr '\n' ' ' <"$dir/differ")"

if command -v python3 >/dev/null; then
	python3 -m json.tool "$dir/results.json" /dev/null ||
		wrong "results.json is no JSON"
	python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' \
		"$dir/results.svg" || wrong "results.svg is no XML"
else
	echo "run_test: no python3: JSON and SVG are not looked at"
fi

# What a report says of targets: FIGURES' third field, against these values.
cat >"$dir/values" <<END
time gofer 12 1
time limit 10 1
time go 30 1
time boost 11 1
rate gofer 90 1
rate go 100 1
END
# verdict KEY UNIT TARGET SAYS
verdict()
{
	echo "$1|title|$2|$3" >"$dir/one"
	awk -v form=json -v rounds=1 -f "$here/report.awk" "$dir/one" \
		"$dir/values" | grep -qF "\"verdict\": \"$4\"," ||
		wrong "target $3 of $1 is not \"$4\""
}
verdict time ns '' ''
verdict time ns 12 '12: met'
verdict time ns 11 '11: missed'
verdict time ns 'limit 1.3' 'limit x 1.3: met'
verdict time ns 'limit 1.1, go 1' 'limit x 1.1: missed, go x 1: met'
verdict time ns 'best 1' 'best x 1: missed'
verdict time ns 'tokio 1' ''
verdict rate n/s 80 '80: met'
verdict rate n/s 'best 1.2' 'best x 1.2: met'
verdict rate n/s 'go 1' 'go x 1: missed'

# Without a value there is nothing to report, and that is a failure.
awk -v form=json -v rounds=1 -f "$here/report.awk" "$here/figures" /dev/null \
	>/dev/null 2>&1 && wrong "a report of nothing passes"
"$here/run" --alone -q -b "$build" -o "$dir" nonsense >/dev/null 2>&1 &&
	wrong "a name that is not there passes"

[ $failed = 0 ] || cat "$dir/log" >&2
exit $failed
