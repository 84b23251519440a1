# SPDX-License-Identifier: MIT
#
# The shared library, from the objects of the static one.  Until 1.0 a minor
# version may change the ABI, so it is part of the soname; and the symbols carry
# it as their version, so that two of them in one process do not mix.

if(NOT GOFER_SHARED OR GOFER_SANITIZE)
	return()
endif()

add_library(gofer_shared SHARED $<TARGET_OBJECTS:gofer>)
add_library(gofer::gofer_shared ALIAS gofer_shared)
target_include_directories(gofer_shared
	PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_link_libraries(gofer_shared PUBLIC Threads::Threads)
set(GOFER_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(gofer_shared PROPERTIES
	OUTPUT_NAME gofer
	LINKER_LANGUAGE C
	VERSION ${PROJECT_VERSION}
	SOVERSION ${GOFER_SOVERSION})
if(APPLE)
	set_target_properties(gofer_shared PROPERTIES
		INSTALL_NAME_DIR @rpath BUILD_WITH_INSTALL_NAME_DIR ON)
else()
	# dlclose() leaves it: it has handlers of signals and of threads' ends.
	target_link_options(gofer_shared PRIVATE LINKER:-z,nodelete)
	configure_file(cmake/gofer.map.in gofer.map @ONLY)
	target_link_options(gofer_shared PRIVATE LINKER:-z,defs
		LINKER:--version-script=${PROJECT_BINARY_DIR}/gofer.map)
	set_property(TARGET gofer_shared APPEND PROPERTY LINK_DEPENDS
		${PROJECT_BINARY_DIR}/gofer.map)
endif()
