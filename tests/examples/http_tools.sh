#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Let real clients judge the HTTP server: curl (one request, many on one
# connection, a body with "Expect: 100-continue", HEAD) and wrk (keep-alive
# under load, and pipelining).  What is not installed is skipped, and said so.
#
#	http_tools.sh COMMAND...	the server, without its address
set -u

work=$(mktemp -d)
"$@" 127.0.0.1:0 >"$work/server" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$work"' EXIT
skipped=

fail()
{
	echo "http_tools: $*"
	exit 1
}

# The server's first line tells the port.
waited=0
until grep -q ' port ' "$work/server"; do
	waited=$((waited + 1))
	[ $waited -lt 600 ] || fail "the server says nothing"
	sleep 0.1
done
url=http://127.0.0.1:$(sed 's/.* port //' "$work/server")/

with_curl()
{
	curl="curl --silent --show-error --max-time 60"
	[ "$($curl "$url")" = "Hello, world!" ] || fail "curl: wrong answer"
	$curl "$url?n=[1-200]" -w '%{num_connects}\n' >"$work/many" ||
		fail "curl: one of many failed"
	[ "$(grep -c '^Hello, world!$' "$work/many")" = 200 ] ||
		fail "curl: not 200 answers"
	[ "$(grep -c '^1$' "$work/many")" = 1 ] ||
		fail "curl: the connection was not kept"
	head -c 1000000 /dev/zero >"$work/body"
	[ "$($curl --data-binary "@$work/body" -H 'Expect: 100-continue' \
		"$url")" = "Hello, world!" ] || fail "curl: a body"
	$curl --head "$url" | grep -q '^HTTP/1.1 200 OK' || fail "curl: HEAD"
	$curl --http1.0 "$url" | grep -q '^Hello' || fail "curl: HTTP/1.0"
	status=$($curl -o "$work/refused" -w '%{http_code}' \
		-H 'Transfer-Encoding: chunked' -d x "$url")
	[ "$status" = 501 ] || fail "curl: a chunked body gives $status"
	status=$($curl -o "$work/refused" -w '%{http_code}' \
		-H "X: $(head -c 10000 /dev/zero | tr '\0' x)" "$url")
	[ "$status" = 431 ] || fail "curl: a giant header gives $status"
}

# wrk_run OPTION...: no error of any kind, and some requests.
wrk_run()
{
	wrk -t 1 -d 1s --timeout 30s "$@" >"$work/wrk" 2>&1 ||
		fail "wrk: $(cat "$work/wrk")"
	grep -Eq 'Socket errors|Non-2xx' "$work/wrk" &&
		fail "wrk $*: $(cat "$work/wrk")"
	grep -Eq '^ *[1-9][0-9]* requests in' "$work/wrk" ||
		fail "wrk $*: no requests: $(cat "$work/wrk")"
}

with_wrk()
{
	cat >"$work/pipeline.lua" <<-'END'
	init = function(args)
		local all = {}
		for i = 1, 16 do all[i] = wrk.format() end
		burst = table.concat(all)
	end
	request = function() return burst end
	END
	wrk_run -c 50 "$url"
	wrk_run -c 50 -s "$work/pipeline.lua" "$url"
	wrk_run -c 8 -H 'Connection: close' "$url"
}

for tool in curl wrk; do
	if command -v $tool >/dev/null; then
		with_$tool
	else
		echo "http_tools: $tool is not installed, and was skipped"
		skipped="$skipped $tool"
	fi
done
kill $server && wait $server || fail "the server does not end well"
[ "$skipped" != " curl wrk" ] || exit 77
exit 0
