# tests/compile_fail/check_case.cmake: a wrong program must not compile, and the message must be short.
# Run: cmake -D SOURCE=<case.cpp> -D COMPILER=<c++> -D ROOT=<repository> -P check_case.cmake
#
# The case says what it expects in lines of the form "// expect: <regular expression>". All of these must
# occur in what the compiler prints, exactly one line of it may hold "error:", and it may have 12 lines
# in all. A case with the line "// expect: compiles" is a control: it must compile without a word.
cmake_minimum_required(VERSION 3.25)

set(most_lines 12)

file(STRINGS ${SOURCE} expectations REGEX "^// expect: ")
list(TRANSFORM expectations REPLACE "^// expect: " "")
if(NOT expectations)
  message(FATAL_ERROR "${SOURCE}: has no line '// expect: <regular expression>'")
endif()

execute_process(
  COMMAND ${COMPILER} -std=c++20 -Wall -Wextra -fsyntax-only -I${ROOT}/framework -I${ROOT}/stages
    ${SOURCE}
  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)

function(fail reason)
  message(NOTICE "${text}")
  message(FATAL_ERROR "${SOURCE}: ${reason} (${COMPILER} said the above)")
endfunction()

if(expectations STREQUAL "compiles")
  if(status OR text)
    fail("a control must compile without a word")
  endif()
  return()
endif()

if(NOT status)
  fail("compiles, but must not")
endif()
string(REGEX REPLACE "[][;]" "." plain "${text}")  # what a list of CMake would stumble over
string(REGEX MATCHALL "[^\n]*error:[^\n]*" errors "${plain}")
list(LENGTH errors error_count)
if(NOT error_count EQUAL 1)
  fail("${error_count} lines hold 'error:', must be one")
endif()
string(REGEX MATCHALL "\n" newlines "${plain}")
list(LENGTH newlines line_count)
if(line_count GREATER most_lines)
  fail("${line_count} lines of diagnostics, at most ${most_lines} may be")
endif()
foreach(expectation IN LISTS expectations)
  if(NOT text MATCHES "${expectation}")
    fail("does not say '${expectation}'")
  endif()
endforeach()
message(STATUS "${line_count} lines, one error, as expected")
