# tests/lint/header_budget.cmake: <sluice/sluice.hpp> stays quick to compile.
# Run: cmake -D ROOT=<repository> -D COMPILER=<c++> -D WORK=<folder> [-D BUDGET=<lines>] -P header_budget.cmake
#
# The figure is what `c++ -std=c++20 -E | wc -l` prints for a file with that one include, blank lines and
# line markers included: the usual way to give it (g++ 12: <string> 28,055, <functional> 39,354).
cmake_minimum_required(VERSION 3.25)

if(NOT BUDGET)
  set(BUDGET 80000)
endif()

file(MAKE_DIRECTORY ${WORK})
file(WRITE ${WORK}/budget.cpp "#include <sluice/sluice.hpp>\n")
execute_process(
  COMMAND ${COMPILER} -std=c++20 -I${ROOT}/framework -I${ROOT}/stages -E ${WORK}/budget.cpp
    -o ${WORK}/budget.ii
  RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "header budget: <sluice/sluice.hpp> does not preprocess")
endif()
file(READ ${WORK}/budget.ii content)
string(REGEX MATCHALL "\n" newlines "${content}")
list(LENGTH newlines lines)
if(lines GREATER_EQUAL BUDGET)
  message(FATAL_ERROR
    "header budget: <sluice/sluice.hpp> is ${lines} preprocessed lines; keep it below ${BUDGET}")
endif()
message(STATUS "header budget: <sluice/sluice.hpp> is ${lines} preprocessed lines of ${BUDGET}")
