#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Shows that every check of docs.sh finds what it is for: a small tree in which
# all is true passes, and each of the changes below makes its check complain.
#
#	selftest.sh CC
set -u

cc=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

true_tree()
{
	rm -rf "$work/tree"
	mkdir "$work/tree"
	cd "$work/tree" || exit 2
	mkdir -p docs include src tests/model tests/sync tests/install
	echo '/* See docs/page.md. */' >include/low.h
	cat >docs/page.md <<-'END'
	# A page, and `more`

	[there](guarantees.md#1-it-holds) and [here](#a-page-and-more).

	```c
	#include <stdio.h>

	int main(void)
	{
		return puts("printed") < 0;
	}
	```

	```text
	printed
	```

	```c pthreads
	#include <pthread.h>

	int main(void)
	{
		return pthread_self() == 0;
	}
	```

	```cmake
	find_package(low)
	```
	END
	cat >docs/guarantees.md <<-'END'
	## All

	### 1. It holds

	Shown by `model_low`, `sync/test_low: holds`.

	## None
	END
	echo "Test(low, holds, .timeout = 60)" >tests/sync/test_low.c
	touch tests/model/model_low.c
	echo "model low" >tests/model/mutations.txt
	echo "	find_package(low)" >tests/install/CMakeLists.txt
	ar rc lib.a
}

# expect CHECK PATTERN: the check complains, with these words; "" means it
# does not.
expect()
{
	sh "$here/docs.sh" "$PWD" "$1" "$PWD/lib.a" "$cc" >"$work/out" 2>&1
	status=$?
	if [ -z "$2" ]; then
		[ $status -eq 0 ]
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

# wrong FILE SED-SCRIPT CHECK PATTERN
wrong()
{
	true_tree
	sed -i "$2" "$1"
	expect "$3" "$4"
}

true_tree
for check in links evidence builds programs; do
	expect $check ""
done

page=docs/page.md
wrong $page 's/guarantees.md/guaranty.md/' links "page.md:3: broken link"
wrong $page 's/md#1-it/md#2-it/' links "page.md:3: no heading #2-it-holds in"
wrong $page 's/(#a-page/(#the-page/' links "page.md:3: no heading #the-page"
wrong include/low.h 's/page/side/' links "low.h:1: there is no docs/side.md"
wrong $page '3d' links "no links found"
wrong docs/guarantees.md 's/test_low/test_high/' evidence "no tests/sync/test_h"
wrong docs/guarantees.md 's/: holds/: hold/' evidence "has no case hold"
wrong docs/guarantees.md 's/Shown.*/Shown./' evidence "no test shows: ### 1"
wrong docs/guarantees.md 's/## None/### 2. So does it/' evidence "2. So does it"
wrong tests/model/mutations.txt 's/low/high/' evidence "no mutation of model_lo"
wrong $page 's/find_package(low)/find_package(high)/' \
	builds "page.md:27: no test"
wrong $page 's/puts("/put("/' programs "page.md:5: this does not compile"
wrong $page 's/puts("/puts("mis/' programs "page.md:5: this prints something el"
wrong $page 's/) < 0/) >= 0/' programs "page.md:5: this fails when it is run"
wrong $page 's/pthread_self()/pthread()/' programs "page.md:18: this does"
wrong $page '/^```/d' programs "no programs found"

echo "$passed expectations met, $failed not"
[ $failed -eq 0 ]
