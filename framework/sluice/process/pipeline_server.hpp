// sluice/process/pipeline_server.hpp: who turns a pipeline into what its worker processes run.
//
// The engine that runs stages in processes sets it before main; a program without that engine has
// none, and can't be a worker server.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/worker_spec.hpp>

namespace sluice {
class Pipeline;
}

namespace sluice::detail {

/// Makes what serves the workers of this pipeline; it outlives the pipeline.
using MakeServeWorker = ServeWorker (*)(const Pipeline& pipeline);

/// Threads  any; set it before there are several.
void set_pipeline_server(MakeServeWorker make) noexcept;
[[nodiscard]] MakeServeWorker pipeline_server() noexcept;

}  // namespace sluice::detail
