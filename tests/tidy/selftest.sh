#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Shows that every check of tidy.sh finds what it is for: a small tree that is
# clean passes, and each of the changes below makes exactly its check complain.
#
#	selftest.sh CC
set -u

cc=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# A tree in which nothing is wrong.
clean_tree()
{
	rm -rf "$work/tree"
	mkdir "$work/tree"
	cd "$work/tree" || exit 2
	mkdir -p src/arch src/sched src/io include/gofer tests examples
	cat >src/arch/low.c <<-'END'
	/* SPDX-License-Identifier: MIT */
	#include "arch/low.h"
	#include <stdatomic.h>

	int go_low(int *_Atomic *p)
	{
		/* Relaxed: nothing is published. */
		return *atomic_load_explicit(p, memory_order_relaxed);
	}
	END
	cat >src/sched/poller.h <<-'END'
	/* SPDX-License-Identifier: MIT */
	int go__poller_wait(void);
	END
	cat >src/sched/middle.c <<-'END'
	/* SPDX-License-Identifier: MIT */
	#include "sched/poller.h"
	#include "arch/low.h"

	__attribute__((visibility("hidden"))) int go__middle(void);

	int go__middle(void)
	{
		return go__poller_wait();
	}
	END
	cat >src/io/high.c <<-'END'
	/* SPDX-License-Identifier: MIT */
	#include "sched/poller.h"

	__attribute__((visibility("hidden"))) int go__high(void);

	int go__high(void)
	{
		return 0;
	}

	__attribute__((visibility("hidden"))) int go__poller_wait(void)
	{
		return 0;
	}
	END
	cat >include/gofer/low.h <<-'END'
	/* SPDX-License-Identifier: MIT */

	/*
	 * Look down.
	 *
	 *     go_low(&p);
	 *
	 * Returns: what is there.  Context: any.  Parks: no.
	 */
	int go_low(int *_Atomic *p);
	END
	cat >tests/test_low.c <<-'END'
	/* SPDX-License-Identifier: MIT */
	static int use(void)
	{
		return go_low(0);
	}
	END
	cat >examples/low.c <<-'END'
	/* SPDX-License-Identifier: MIT */
	#include <gofer/low.h>

	static int look(int *_Atomic p)
	{
		go_low(&p);
		return 0; /* it is low */
	}
	END
	cat >README.md <<-'END'
	```c
	#include <gofer/low.h>

	static int look(int *_Atomic p)
	{
		go_low(&p);
		return 0; /* it is low */
	}
	```
	END
	echo go_low >tests/exported-symbols.txt
	# The here-documents above have lost their indentation.
	sed -i 's/^return/\t&/; s/^\/\* Relaxed/\t&/; s/^go_low(/\t&/' \
		src/*/*.c tests/*.c examples/*.c
	cp "$here/../../.clang-format" .
}

build()
{
	touch src/arch/low.h
	for f in src/*/*.c; do
		o=objects/${f#src/}.o
		mkdir -p "$(dirname "$o")"
		"$cc" -std=gnu11 -w -Isrc -c "$f" -o "$o" || exit 2
	done
	rm -f src/arch/low.h lib.a
	ar rc lib.a objects/*/*.o
}

# expect CHECK PATTERN: the check complains, with these words; "" means it
# does not.
expect()
{
	case $1 in
	calls | symbols) build ;;
	esac
	sh "$here/tidy.sh" "$PWD" "$1" "$PWD/objects" "$PWD/lib.a" \
		>"$work/out" 2>&1
	status=$?
	if [ -z "$2" ]; then
		[ $status -eq 0 ] || [ $status -eq 77 ]
	else
		[ $status -eq 1 ] && grep -q -e "$2" "$work/out"
	fi
	if [ $? -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $1 should have said \"$2\", but exit $status:"
		cat "$work/out"
	fi
}

repeat() # N TEXT
{
	i=0
	while [ $i -lt "$1" ]; do
		echo "$2"
		i=$((i + 1))
	done
}

clean_tree
for check in lines contracts tested quotes calls symbols format; do
	expect $check ""
done

clean_tree
sed -i 1d src/arch/low.c
expect lines "low.c:1: no SPDX line"

clean_tree
echo "/* $(repeat 39 - | tr '\n' '-') */" >>src/arch/low.c
expect lines "low.c:10: line has 84 columns"

clean_tree
printf '\t\t\t\t\t\t\t\t\t\tint x;\n' >>src/arch/low.c
expect lines "line has 86 columns"

clean_tree
echo "int spaced; " >>src/arch/low.c
expect lines "low.c:10: space at the end"

clean_tree
repeat 700 "" >>src/arch/low.c
expect lines "file has 709 lines"

clean_tree
{
	echo "static int long_one(int a,"
	echo "		    int b)"
	echo "{"
	repeat 68 "	a++;"
	echo "	return a + b;"
	echo "}"
} >>src/arch/low.c
expect lines "low.c:10: function of 73 lines"

clean_tree
sed -i 's/Relaxed: nothing is published.//; s/\/\*  *\*\///' src/arch/low.c
expect lines "low.c:8: atomic without a comment"

clean_tree
sed -i '2a #include "sched/poller.h"' src/arch/low.c
expect lines 'src/arch includes "sched/poller.h"'

clean_tree
sed -i '2a #include <gofer/net.h>' src/arch/low.c
touch include/gofer/net.h
mkdir -p src/gofer && cp include/gofer/net.h src/gofer/
expect lines 'src/arch includes "gofer/net.h"'

clean_tree
sed -i 's/Parks: no/It does not park/' include/gofer/low.h
expect contracts "low.h:10: go_low: its comment lacks"

clean_tree
printf '\nint go_bare(void);\n' >>include/gofer/low.h
expect contracts "go_bare: its comment lacks"

clean_tree
sed -i 's/go_low/other/' tests/test_low.c
expect tested "go_low occurs in no test"

clean_tree
sed -i 's/go_low(&p);/go_low(\&q);/' include/gofer/low.h
expect quotes "low.h:6: this is in no example: go_low(&q);"

clean_tree
sed -i 's/it is low/it is not/' examples/low.c
expect quotes "README.md:2: this is in no example: #include"

clean_tree
echo "static int more;" >>examples/low.c
expect quotes "README.md:2: this is in no example: #include"

clean_tree
sed -i '/^\/\*$/,/^ \*\/$/d' include/gofer/low.h
rm README.md
expect quotes "no quotes found"

clean_tree
sed -i 's/go__poller_wait/go__high/' src/sched/middle.c src/sched/poller.h
expect calls "uses go__high of io: upward"

clean_tree
sed -i 's/go_low/go_lower/' tests/exported-symbols.txt
expect symbols "go_low is missing"
expect symbols "go_lower is not exported"

clean_tree
printf '\nint stray;\n' >>src/io/high.c
expect symbols "stray: exported, but its name is not public"

if command -v clang-format-14 >/dev/null; then
	clean_tree
	printf '\nint  crooked ;\n' >>src/io/high.c
	expect format "high.c:1[0-9]*:.*error"
else
	echo "format: not shown, clang-format-14 is not installed"
fi

echo "$passed expectations met, $failed not"
[ $failed -eq 0 ]
