# One call per room: cairn_room(model USES tensor TESTS infer PACKAGES ...) makes the library
# cairn_model from every .cc of the folder and, from its *_test.cc, the test program model_test,
# which may use the rooms behind TESTS, too.

set(CAIRN_TEST_TIMEOUT 1200 CACHE STRING "Seconds after which a test program is stopped")
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_library(cairn_flags INTERFACE)
target_compile_options(cairn_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror
    -ffp-contract=off -fno-omit-frame-pointer)
target_include_directories(cairn_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_link_libraries(cairn_flags INTERFACE Threads::Threads)
if(CAIRN_SANITIZE)
    target_compile_options(cairn_flags INTERFACE -fsanitize=${CAIRN_SANITIZE}
        -fno-sanitize-recover=all)
    target_link_options(cairn_flags INTERFACE -fsanitize=${CAIRN_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CAIRN_SANITIZE MATCHES thread)
        target_compile_options(cairn_flags INTERFACE -Wno-tsan)  # Asio's fences: a warning only
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CAIRN_SANITIZE MATCHES undefined)
        target_compile_options(cairn_flags INTERFACE -fno-sanitize=function)
    endif()
endif()
if(CAIRN_FUZZ)  # every room reports its branches, or the fuzzer works blind
    target_compile_options(cairn_flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(cairn_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    target_compile_options(cairn_flags INTERFACE -Wthread-safety)
endif()

if(CAIRN_TESTS)
    enable_testing()
    find_package(GTest REQUIRED)
endif()

# Precompiled headers: those that many files read, and that take a compiler a second or more each time.
# Every file still includes what it uses; the presets "clang" and "tsan", which do without, find one
# that does not.
if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        # Without -fpch-preprocess ccache keeps nothing. GCC 12 forgets which of these headers are the
        # system's, and warns of what its optimiser makes of them; "tsan" has these warnings.
        target_compile_options(cairn_flags INTERFACE -fpch-preprocess -Wno-array-bounds -Wno-restrict
            -Wno-stringop-overflow -Wno-stringop-overread -Wno-mismatched-new-delete)
    else()
        target_compile_options(cairn_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")  # for ccache
    endif()
endif()
# Makes cairn_NAME_headers, whose precompiled headers the targets of one kind share.
function(cairn_precompile name)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}_headers.cc CONTENT "")
    add_library(cairn_${name}_headers OBJECT ${CMAKE_BINARY_DIR}/${name}_headers.cc)
    target_link_libraries(cairn_${name}_headers PRIVATE cairn_flags)
    target_precompile_headers(cairn_${name}_headers PRIVATE <algorithm> <chrono> <functional> <map> <memory>
        <mutex> <optional> <span> <string> <vector> ${ARGN})
endfunction()
cairn_precompile(room)
if(CAIRN_TESTS)
    cairn_precompile(test <gtest/gtest.h>)
    target_link_libraries(cairn_test_headers PRIVATE GTest::gtest)
    target_compile_options(cairn_test_headers PRIVATE $<$<CONFIG:Release>:-O1>)

    # base/test_data.h declares it.
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/source_folder.cc
        CONTENT "namespace cairn {\nconst char* source_folder() { return \"@CMAKE_SOURCE_DIR@\"; }\n}\n" @ONLY)
    add_library(cairn_source_folder STATIC ${CMAKE_BINARY_DIR}/source_folder.cc)
endif()

# pkg_library(NAME pkg): an imported target for a library known to pkg-config.
function(pkg_library name package)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${package})
endfunction()

set(CAIRN_KERNEL_LEVEL -O3 CACHE STRING "Optimisation of the kernels for one instruction set")

# Per-instruction-set flags: only files named for the set get them.
function(cairn_isa_flags)
    # Instrumented register tiles take minutes to optimise at -O3.
    set(level ${CAIRN_KERNEL_LEVEL})
    if(CAIRN_SANITIZE)
        set(level -O1)
    endif()
    if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        return()
    endif()
    foreach(source ${ARGN})
        if(source MATCHES "_avx512\\.cc$")
            set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
                "${level};-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512vl;-mavx512dq;-mavx512vnni;-mprefer-vector-width=512"
                SKIP_PRECOMPILE_HEADERS ON)
        elseif(source MATCHES "_avx2\\.cc$")
            set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${level};-mavx2;-mfma;-mf16c"
                SKIP_PRECOMPILE_HEADERS ON)
        endif()
    endforeach()
endfunction()

function(cairn_room name)
    cmake_parse_arguments(ARG "" "" "USES;TESTS;PACKAGES" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    set(tests ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")
    list(FILTER sources EXCLUDE REGEX "_(test|bench|main)\\.cc$")
    cairn_isa_flags(${sources})
    set(uses "")
    foreach(use ${ARG_USES})
        list(APPEND uses cairn_${use})
    endforeach()
    if(sources)
        add_library(cairn_${name} STATIC ${sources})
        target_link_libraries(cairn_${name} PUBLIC cairn_flags ${uses} ${ARG_PACKAGES})
        target_precompile_headers(cairn_${name} REUSE_FROM cairn_room_headers)
    else()
        add_library(cairn_${name} INTERFACE)
        target_link_libraries(cairn_${name} INTERFACE cairn_flags ${uses} ${ARG_PACKAGES})
    endif()
    if(CAIRN_TESTS AND tests)
        add_executable(${name}_test ${tests})
        set(more "")
        foreach(use ${ARG_TESTS})
            list(APPEND more cairn_${use})
        endforeach()
        target_link_libraries(${name}_test PRIVATE cairn_${name} ${more} cairn_source_folder
            GTest::gtest GTest::gmock GTest::gtest_main)
        target_precompile_headers(${name}_test REUSE_FROM cairn_test_headers)
        target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)
        add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
        # What tools/skipped reads; and traces of texts (gateway/trace.h), which are no user's.
        set_tests_properties(${name} PROPERTIES TIMEOUT ${CAIRN_TEST_TIMEOUT}
            ENVIRONMENT "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/tests/${name}.xml;XDG_STATE_HOME=${CMAKE_BINARY_DIR}/tests/state")
    endif()
endfunction()
