# SPDX-License-Identifier: MIT
#
# cpack -G DEB makes libgofer0.1 (what programs need to run) and libgofer-dev
# (what is needed to build them); cpack -G TGZ an archive of both.

if(NOT PROJECT_IS_TOP_LEVEL OR NOT TARGET gofer_shared)
	return()
endif()

set(CPACK_PACKAGE_VENDOR "gofer")
set(CPACK_PACKAGE_CONTACT "The gofer authors <gofer@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/gzip-man.cmake)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libgofer${GOFER_SOVERSION})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libgofer-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
	"libgofer${GOFER_SOVERSION} (= ${PROJECT_VERSION}), libc6-dev")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
	"Fibers and green threads for C: the shared library")
set(CPACK_COMPONENT_DEV_DESCRIPTION
	"Fibers and green threads for C: headers and the static library")
include(CPack)
