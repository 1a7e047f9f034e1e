# tests/lint/layers.cmake: who may include whom. Run: cmake -D ROOT=<repository> -P layers.cmake
#
# Reads every include line of framework, stages, pipelines, tests and bench. Fails, with file and line,
# on an include that points up, on a system header outside os/, on oneTBB's scheduler in a second file, and
# on what public headers must not contain.
cmake_minimum_required(VERSION 3.25)

# Lowest first. A file belongs to the level whose expression matches its path below sluice/, without
# extension; it may include its own level and those before it.
set(levels
  "base/.*"
  "error|dead_letter|deadline|start_method"
  "(sync|os|observe)/.*|queue_status"
  "queue|ordered_queue|get_result|codec(/.*)?|shared_bytes|weight"
  "(flow/.*)|stage|emitter|options|context|batch|fold|throttle"
  "pipeline|stream|feedback|reduce|per_key|when_full|spill|window|chaos|report(_.*)?"
  "scheduler|plan_.*"
  "(runtime|process)/.*"
  "run"
  "testing"
  "cli/.*|args|main|sluice")

# The second half of queue.hpp: its templates, kept in the engine room they work with.
set(exceptions "sync/queue_impl=queue;sync/queue_impl_get=queue")

# stages/ sees a stage, its emitter and what lies below, but no queue and nothing of the engine's flow.
set(stages_may_include
  "stages/.*|stage|emitter|options|context|batch|codec(/.*)?|shared_bytes|weight|error|deadline|(base|os|observe|sync)/.*|flow/callable")
# pipelines/ sees the API and the ready-made stages, and of the engine rooms only os/: a sample that makes
# files, links and directories needs the system, and includes none of its headers.
set(pipelines_may_include "stages/.*|os/.*|[a-z_]+")

set(heavy_headers "functional|iostream|regex|ranges|filesystem")
set(private_packages "(fmt|oneapi|tbb|nlohmann|CLI)/.*")
# Headers that end in .h are the system's, except those of these packages, which .cpp files may include.
set(package_headers "(fmt|oneapi|tbb)/.*|zstd\\.h|zstd_errors\\.h|xxhash\\.h|jpeglib\\.h|jerror\\.h|png\\.h|openssl/evp\\.h")
set(tbb_containers "concurrent_.*|enumerable_thread_specific|combinable|.*mutex|.*allocator")

set(faults "")
set(scheduler_users "")

function(fault file line text)
  file(READ ${ROOT}/${file} content)
  string(FIND "${content}" "${line}" at)
  string(SUBSTRING "${content}" 0 ${at} before)
  string(REGEX MATCHALL "\n" newlines "${before}")
  list(LENGTH newlines number)
  math(EXPR number "${number} + 1")
  set(faults "${faults}${file}:${number}: ${text}\n" PARENT_SCOPE)
endfunction()

function(level_of name result)
  if(";${exceptions};" MATCHES ";${name}=([^;]*);")
    set(name ${CMAKE_MATCH_1})
  endif()
  set(index 0)
  set(${result} -1 PARENT_SCOPE)
  foreach(level IN LISTS levels)
    if(name MATCHES "^(${level})$")
      set(${result} ${index} PARENT_SCOPE)
      return()
    endif()
    math(EXPR index "${index} + 1")
  endforeach()
endfunction()

# One include of ours: `name` is the path below sluice/ without extension.
macro(check_ours room own_level)
  string(REGEX REPLACE "^sluice/(.*)\\.hpp$" "\\1" name "${header}")
  if(${room} STREQUAL "framework")
    if(name MATCHES "^stages/")
      fault(${file} "${line}" "the framework does not know stages/, so not <${header}>")
    else()
      level_of(${name} level)
      if(level EQUAL -1)
        fault(${file} "${line}" "<${header}> has no level; add it to tests/lint/layers.cmake")
      elseif(level GREATER ${own_level})
        fault(${file} "${line}" "<${header}> is above ${own_name}; includes point down")
      endif()
    endif()
  elseif(NOT name MATCHES "^(${${room}_may_include})$")
    fault(${file} "${line}" "${room}/ may not include <${header}>")
  endif()
endmacro()

# One include of somebody else's header.
macro(check_foreign)
  if(file MATCHES "\\.hpp$" AND header MATCHES "^(${heavy_headers}|${private_packages})$"
      AND NOT file MATCHES "^pipelines/")
    fault(${file} "${line}" "<${header}> in a header; only .cpp files may include it")
  endif()
  if(header MATCHES "\\.h$" AND NOT header MATCHES "^(${package_headers}|emmintrin\\.h)$"
      AND NOT file MATCHES "^framework/sluice/os/")
    fault(${file} "${line}" "<${header}> belongs to the system; only framework/sluice/os/ includes it")
  endif()
  if(header MATCHES "^(oneapi/)?tbb(/|\\.h)" AND NOT header MATCHES "tbb/(${tbb_containers})\\.h$")
    list(APPEND scheduler_users ${file})
    list(REMOVE_DUPLICATES scheduler_users)
    list(LENGTH scheduler_users users)
    if(users GREATER 1)
      list(JOIN scheduler_users " and " both)
      fault(${file} "${line}" "oneTBB's scheduler is included by ${both}; one .cpp may")
    endif()
  endif()
endmacro()

foreach(room IN ITEMS framework stages pipelines tests bench)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${room}/*.hpp ${ROOT}/${room}/*.cpp)
  list(SORT files)
  foreach(file IN LISTS files)
    file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include")
    if(room STREQUAL "framework")
      string(REGEX REPLACE "^framework/sluice/(.*)\\.[ch]pp$" "\\1" own_name ${file})
      level_of(${own_name} own_level)
      if(own_level EQUAL -1)
        set(faults "${faults}${file}:1: has no level; add it to tests/lint/layers.cmake\n")
        continue()
      endif()
    endif()
    foreach(line IN LISTS lines)
      if(NOT line MATCHES "#[ \t]*include[ \t]*<([^>]*)>")
        fault(${file} "${line}" "includes go in angle brackets")
        continue()
      endif()
      set(header ${CMAKE_MATCH_1})
      if(room STREQUAL "tests" OR room STREQUAL "bench")
        continue()  # leaves: they may open any room
      elseif(header MATCHES "^sluice/")
        check_ours(${room} "${own_level}")
      else()
        check_foreign()
      endif()
    endforeach()
  endforeach()
endforeach()

if(faults)
  message(NOTICE "${faults}")
  message(FATAL_ERROR "layers: includes that must go, listed above")
endif()
message(STATUS "layers: every include points down")
