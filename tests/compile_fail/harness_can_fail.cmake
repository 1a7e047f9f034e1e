# tests/compile_fail/harness_can_fail.cmake: the harness rejects what it must reject.
# Run: cmake -D HARNESS=<this folder> -D WORK=<scratch> -D COMPILER=<c++> -P harness_can_fail.cmake
cmake_minimum_required(VERSION 3.25)

# expect(<what> <complaint> <program>): an empty complaint means the harness must be content.
function(expect what complaint program)
  file(WRITE ${WORK}/case.cpp "${program}\n")
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${WORK}/case.cpp -D COMPILER=${COMPILER} -D ROOT=${WORK}
      -P ${HARNESS}/check_case.cmake
    RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # messages are wrapped
  if(complaint STREQUAL "" AND status)
    message(SEND_ERROR "should accept ${what}, but said\n${text}")
  elseif(complaint AND (NOT status OR NOT text MATCHES "${complaint}"))
    message(SEND_ERROR "should find ${what} (${complaint}), but ended with ${status}\n${text}")
  endif()
  message(STATUS "${what}")
endfunction()

set(assertion "static_assert(false, \"sluice: no such thing\");")
expect("the expected error" "" "// expect: no such thing\n${assertion}")
expect("an error that says something else" "does not say 'queue'" "// expect: queue\n${assertion}")
expect("a program that compiles" "compiles, but must not" "// expect: no such thing\nint a();")
expect("two errors" "2 lines hold 'error:'" "// expect: no such thing\n${assertion}\n${assertion}")
expect("a case without an expectation" "has no line" "${assertion}")
expect("a control" "" "// expect: compiles\nint a();")
expect("a control that does not compile" "without a word" "// expect: compiles\n${assertion}")
expect("a control with a warning" "without a word" "// expect: compiles\nint a(int b) { return 0; }")

set(deep "template <class T> struct A0 { static_assert(sizeof(T) == 0, \"no such thing\"); };\n")
foreach(n RANGE 1 9)
  math(EXPR below "${n} - 1")
  string(APPEND deep "template <class T> struct A${n} { A${below}<T> below; };\n")
endforeach()
expect("a message that is too long" "lines of diagnostics"
  "// expect: no such thing\n${deep}A9<int> a;")
