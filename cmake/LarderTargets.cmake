# Warnings, sanitizers and dependencies for our targets; nothing else belongs here.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# Called once for every target of ours.
function(larder_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms on std::string's operator+ (GCC bug 105651), and on Asio's coroutine frames,
    # whose operator new and delete are a pair but are inlined one without the other.
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-mismatched-new-delete)
  endif()
  if(LARDER_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LARDER_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${LARDER_SANITIZE})
    if(LARDER_SANITIZE STREQUAL "thread")
      # g++ warns that Asio's fences are not modelled; what they guard is locked as well.
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
  endif()
endfunction()

# For a source of the calling directory that uses std::regex: sanitized builds inline it so far that
# g++ warns of what is not so (GCC bug 105562).
function(larder_uses_regex source)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND LARDER_SANITIZE)
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
  endif()
endfunction()

# A test program: larder_test(NAME SOURCES ... LIBRARIES ...). Every TEST is a test of ctest.
function(larder_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
  larder_options(${name})
  set(properties TIMEOUT 300)
  if(LARDER_SANITIZE STREQUAL "thread")
    list(APPEND properties ENVIRONMENT
         "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
