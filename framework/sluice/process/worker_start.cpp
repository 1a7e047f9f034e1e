// sluice/process/worker_start.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/worker_start.hpp>

#include <sluice/error.hpp>
#include <sluice/os/process_setup.hpp>
#include <sluice/os/this_process.hpp>

namespace sluice::detail {
namespace {

int serve_and_tell(ServeWorker& serve, const WorkerSpec& spec, std::span<const int> given) {
  try {
    return serve(spec, given);
  } catch (...) {
    say_on_stderr("worker process: " + current_exception_text() + '\n');
    return kExitThrew;
  }
}

}  // namespace

void be_worker(ServeWorker& serve, const WorkerBirth& birth) noexcept {
  if (!die_with_parent(birth.server)) die_by_kill();  // as it would have a moment later
  lead_own_group();
  name_this_thread("sluice-worker");
  redirect(0, birth.input);
  redirect(2, birth.errors);
  std::vector<int> given;
  for (const Descriptor& descriptor : birth.given) given.push_back(descriptor.number());
  std::vector<int> kept = given;
  kept.insert(kept.end(), birth.keep.begin(), birth.keep.end());
  close_descriptors_except(kept);
  worker_signals();
  forbid_core_files();
  prefer_when_memory_runs_out();
  limit_memory(birth.spec.memory_limit_bytes);
  const int status = serve_and_tell(serve, birth.spec, given);
  flush_streams();
  end_process_now(status);
}

}  // namespace sluice::detail
