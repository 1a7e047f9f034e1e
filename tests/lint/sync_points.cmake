# tests/lint/sync_points.cmake: each name of a release/acquire pair stands on both sides.
# Run: cmake -D ROOT=<repository> -P sync_points.cmake
#
# A comment names a pair as "sync-point <name>". A name that occurs once has lost its partner; where one
# read-modify-write is both sides it says "sync-point <name> (both sides)". Along with that: no stand-alone fence, no load or exchange without a memory order, and no order stronger than
# relaxed in a file that names no pair.
cmake_minimum_required(VERSION 3.25)

set(faults "")
set(all_names "")

function(fault file needle text)
  file(READ ${ROOT}/${file} content)
  string(FIND "${content}" "${needle}" at)
  string(SUBSTRING "${content}" 0 ${at} before)
  string(REGEX MATCHALL "\n" newlines "${before}")
  list(LENGTH newlines number)
  math(EXPR number "${number} + 1")
  set(faults "${faults}${file}:${number}: ${text}\n" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${ROOT}
  ${ROOT}/framework/*.hpp ${ROOT}/framework/*.cpp ${ROOT}/stages/*.hpp ${ROOT}/stages/*.cpp)
list(SORT files)
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} content)
  string(REGEX MATCHALL "sync-point [a-z0-9]+(-[a-z0-9]+)*" names "${content}")
  foreach(name IN LISTS names)
    string(MAKE_C_IDENTIFIER "${name}" key)
    if(NOT DEFINED count_${key})
      set(count_${key} 0)
      set(first_${key} ${file})
      list(APPEND all_names ${name})
    endif()
    math(EXPR count_${key} "${count_${key}} + 1")
    if(content MATCHES "${name} \\(both sides\\)")
      math(EXPR count_${key} "${count_${key}} + 1")
    endif()
  endforeach()
  if(content MATCHES "atomic_(thread|signal)_fence")
    fault(${file} "${CMAKE_MATCH_0}" "stand-alone fence; the race detector does not see it")
  endif()
  if(content MATCHES "\\.(load|test_and_set)\\(\\)")
    fault(${file} "${CMAKE_MATCH_0}" "${CMAKE_MATCH_0} has no memory order")
  endif()
  if(content MATCHES "memory_order_(release|acquire|acq_rel)" AND NOT names)
    fault(${file} "${CMAKE_MATCH_0}" "${CMAKE_MATCH_0} without the name of its sync-point")
  endif()
endforeach()

foreach(name IN LISTS all_names)
  string(MAKE_C_IDENTIFIER "${name}" key)
  if(count_${key} LESS 2)
    fault(${first_${key}} "${name}" "${name} occurs once; name it on its other side, or say (both sides)")
  endif()
endforeach()

if(faults)
  message(NOTICE "${faults}")
  message(FATAL_ERROR "sync points: faults listed above")
endif()
list(LENGTH all_names count)
message(STATUS "sync points: ${count} names, each on both sides")
