# SPDX-License-Identifier: MIT
#
# Manual pages, made out of the headers by tools/manpages.awk: gofer(7), a page
# of section 7 for each header, and of section 3 for all that is in them.

find_program(GOFER_AWK NAMES awk mawk gawk original-awk DOC "For manual pages")
mark_as_advanced(GOFER_AWK)
if(NOT GOFER_AWK)
	message(STATUS "There will be no manual pages: no awk")
	return()
endif()

file(GLOB man_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
	${PROJECT_SOURCE_DIR}/include/*.h
	${PROJECT_SOURCE_DIR}/include/gofer/*.h)
file(GLOB man_examples CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
	${PROJECT_SOURCE_DIR}/examples/*.c)
list(SORT man_headers)
list(SORT man_examples)
set(man_sources ${man_headers} ${man_examples})
set(man_dir ${PROJECT_BINARY_DIR}/man)
set(man_generator ${PROJECT_SOURCE_DIR}/tools/manexamples.awk
	${PROJECT_SOURCE_DIR}/tools/manpages.awk)
list(TRANSFORM man_sources PREPEND ${PROJECT_SOURCE_DIR}/
	OUTPUT_VARIABLE man_dependencies)
# Paths as they stand in comments and pages, hence from the root.
add_custom_command(OUTPUT ${man_dir}.stamp
	COMMAND ${CMAKE_COMMAND} -E rm -rf ${man_dir}
	COMMAND ${CMAKE_COMMAND} -E make_directory ${man_dir}/man3
		${man_dir}/man7
	COMMAND ${GOFER_AWK} -v out=${man_dir} -v version=${PROJECT_VERSION}
		"-f$<JOIN:${man_generator},;-f>" ${man_sources}
	COMMAND ${CMAKE_COMMAND} -E touch ${man_dir}.stamp
	DEPENDS ${man_generator} ${man_dependencies}
	WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
	COMMENT "Manual pages" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(gofer_man ALL DEPENDS ${man_dir}.stamp)
install(DIRECTORY ${man_dir}/ DESTINATION ${CMAKE_INSTALL_MANDIR}
	COMPONENT dev)
