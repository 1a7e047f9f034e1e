# tests/lint/lints_can_fail.cmake: every lint finds the fault it is there for.
# Run: cmake -D LINTS=<this folder> -D WORK=<scratch> -D COMPILER=<c++> [-D CLANG_FORMAT=<program>]
#            -P lints_can_fail.cmake
#
# Each case writes one or two files into an empty tree, runs a lint there, and looks for its complaint.
cmake_minimum_required(VERSION 3.25)

# expect(<lint> <what> <complaint> [<path> <content>]...): an empty complaint means the lint must pass.
function(expect lint what complaint)
  file(REMOVE_RECURSE ${WORK})
  file(MAKE_DIRECTORY ${WORK})
  set(files ${ARGN})
  while(files)
    list(POP_FRONT files path content)
    file(WRITE ${WORK}/${path} "${content}\n")
  endwhile()
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D ROOT=${WORK} -D WORK=${WORK}/scratch -D COMPILER=${COMPILER}
      -D CLANG_FORMAT=${CLANG_FORMAT} ${options} -P ${LINTS}/${lint}.cmake
    RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # messages are wrapped
  if(complaint STREQUAL "")
    if(status)
      message(SEND_ERROR "${lint}: should accept ${what}, but said\n${text}")
    endif()
  elseif(NOT status OR NOT text MATCHES "${complaint}")
    message(SEND_ERROR "${lint}: should find ${what} (${complaint}), but ended with ${status}\n${text}")
  endif()
  message(STATUS "${lint}: ${what}")
endfunction()

set(queue framework/sluice/queue.hpp)
expect(layers "a downward include" ""
  ${queue} "#include <sluice/deadline.hpp>\n#include <vector>")
expect(layers "an upward include, with its line" "queue.hpp:3: <sluice/stage.hpp> is above queue"
  ${queue} "#pragma once\n\n#include <sluice/stage.hpp>")
expect(layers "a queue that includes the engine" "run_state.hpp> is above queue"
  ${queue} "#include <sluice/runtime/run_state.hpp>")
expect(layers "a framework that includes a stage" "does not know stages/"
  framework/sluice/run.cpp "#include <sluice/stages/lines.hpp>")
expect(layers "a file without a level" "drawer.hpp:1: has no level"
  framework/sluice/drawer.hpp "#pragma once")
expect(layers "a stage that sees a queue" "stages/ may not include <sluice/queue.hpp>"
  stages/sluice/stages/lines.hpp "#include <sluice/queue.hpp>")
expect(layers "a sample that opens an engine room" "pipelines/ may not include <sluice/flow/edge.hpp>"
  pipelines/count.cpp "#include <sluice/flow/edge.hpp>")
expect(layers "a sample that makes files through os/" ""
  pipelines/pack.cpp "#include <sluice/os/file.hpp>")
expect(layers "a system header outside os/" "worker.cpp:1: <sys/mman.h> belongs to the system"
  framework/sluice/runtime/worker.cpp "#include <sys/mman.h>")
expect(layers "a system header inside os/" ""
  framework/sluice/os/memory.cpp "#include <sys/mman.h>")
expect(layers "oneTBB's scheduler in two files" "one .cpp may"
  framework/sluice/runtime/pool.cpp "#include <oneapi/tbb/task_arena.h>"
  framework/sluice/runtime/worker.cpp "#include <oneapi/tbb/task_group.h>")
expect(layers "oneTBB's scheduler in one file, containers in others" ""
  framework/sluice/runtime/pool.cpp "#include <oneapi/tbb/task_arena.h>"
  stages/sluice/stages/count.cpp "#include <oneapi/tbb/concurrent_hash_map.h>")
expect(layers "a heavy standard header in a header" "<functional> in a header"
  ${queue} "#include <functional>")
expect(layers "fmt in a header" "<fmt/format.h> in a header"
  framework/sluice/cli/text.hpp "#include <fmt/format.h>")
expect(layers "fmt in a source" ""
  framework/sluice/cli/text.cpp "#include <fmt/format.h>")
expect(layers "quoted includes, in tests too" "angle brackets"
  tests/unit/queue_test.cpp "#include \"support.hpp\"")

set(point "// sync-point give-take: one side")
expect(sync_points "a name on both sides" "" ${queue} "${point}\n${point}")
expect(sync_points "a name on one side, with its line" "queue.hpp:2: sync-point give-take occurs once"
  ${queue} "#pragma once\n${point}")
expect(sync_points "one statement that is both sides" ""
  ${queue} "// sync-point give-take (both sides): the last one sees the others")
expect(sync_points "an order without a name" "memory_order_acquire without the name"
  ${queue} "auto x = y.load(std::memory_order_acquire)")
expect(sync_points "a load without an order" "has no memory order"
  ${queue} "auto x = y.load()")
expect(sync_points "a fence" "stand-alone fence"
  ${queue} "std::atomic_thread_fence(std::memory_order_relaxed)")

expect(listed "sources that are built" ""
  stages/CMakeLists.txt "add_library(stages sluice/a.cpp)" stages/sluice/a.cpp "// a"
  tests/CMakeLists.txt "set(cases\n  wrong\n)" tests/compile_fail/wrong.cpp "// wrong")
expect(listed "a source that is not built" "stages/sluice/b.cpp:1: is not in stages/CMakeLists.txt"
  stages/CMakeLists.txt "add_library(stages sluice/a.cpp)" stages/sluice/b.cpp "// b")
expect(listed "a case that is not compiled" "compile_fail/two.cpp:1: is not in"
  tests/CMakeLists.txt "set(cases\n  one_two\n)" tests/compile_fail/two.cpp "// two")

set(options -D BUDGET=3000)
expect(header_budget "a small header" "" framework/sluice/sluice.hpp "#include <cstddef>")
expect(header_budget "a large header" "keep it below 3000"
  framework/sluice/sluice.hpp "#include <string>")
expect(header_budget "a header that does not compile" "does not preprocess"
  framework/sluice/sluice.hpp "#include <sluice/nowhere.hpp>")

if(CLANG_FORMAT)
  set(options -D MODE=check)
  set(style .clang-format "BasedOnStyle: Google")
  expect(format "well-formed code" "" ${style} ${queue} "namespace a {}")
  expect(format "ill-formed code, with its line" "framework/sluice/queue.hpp:1:"
    ${style} ${queue} "namespace  a  {}")
endif()
