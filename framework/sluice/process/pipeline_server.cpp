// sluice/process/pipeline_server.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/pipeline_server.hpp>

namespace sluice::detail {
namespace {

MakeServeWorker the_maker = nullptr;

}  // namespace

void set_pipeline_server(MakeServeWorker make) noexcept { the_maker = make; }
MakeServeWorker pipeline_server() noexcept { return the_maker; }

}  // namespace sluice::detail
