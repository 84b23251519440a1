# SPDX-License-Identifier: MIT
#
# gofer_flags(target): the language, the warnings and the sanitizer that every
# target of this project is built with.

if(GOFER_SANITIZE STREQUAL "address")
	set(GOFER_SANITIZE_FLAGS -fsanitize=address,undefined
		-fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(GOFER_SANITIZE STREQUAL "thread")
	set(GOFER_SANITIZE_FLAGS -fsanitize=thread -fno-omit-frame-pointer)
elseif(GOFER_SANITIZE)
	message(FATAL_ERROR "GOFER_SANITIZE is neither address nor thread")
endif()

set(GOFER_WARNINGS -Wall -Wextra -Wpedantic -Wundef -Wshadow -Wconversion
	-Wstrict-prototypes -Wmissing-prototypes)
set(GOFER_CXX_WARNINGS -Wall -Wextra -Wpedantic -Wundef)
if(GOFER_WERROR)
	list(APPEND GOFER_WARNINGS -Werror)
	list(APPEND GOFER_CXX_WARNINGS -Werror)
endif()

function(gofer_flags target)
	set_target_properties(${target} PROPERTIES
		C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
		CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
	target_compile_options(${target} PRIVATE
		$<$<COMPILE_LANGUAGE:C>:${GOFER_WARNINGS}>
		$<$<COMPILE_LANGUAGE:CXX>:${GOFER_CXX_WARNINGS}>
		$<$<COMPILE_LANGUAGE:C,CXX>:${GOFER_SANITIZE_FLAGS}>
		# Backtraces pass through us; not every ABI has it as default.
		$<$<COMPILE_LANGUAGE:C>:-fasynchronous-unwind-tables>)
	target_link_options(${target} PRIVATE ${GOFER_SANITIZE_FLAGS})
endfunction()
