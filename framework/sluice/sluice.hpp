// sluice/sluice.hpp: the whole API: one include for programs that define pipelines.
// SPDX-License-Identifier: MIT
#pragma once

// First, so that what a compiler says of a stage that does not fit begins with few includes.
#include <sluice/stream.hpp>

#include <sluice/args.hpp>
#include <sluice/batch.hpp>
#include <sluice/context.hpp>
#include <sluice/dead_letter.hpp>
#include <sluice/deadline.hpp>
#include <sluice/emitter.hpp>
#include <sluice/error.hpp>
#include <sluice/fold.hpp>
#include <sluice/main.hpp>
#include <sluice/options.hpp>
#include <sluice/per_key.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/queue.hpp>
#include <sluice/reduce.hpp>
#include <sluice/report.hpp>
#include <sluice/run.hpp>
#include <sluice/scheduler.hpp>
#include <sluice/stage.hpp>
#include <sluice/start_method.hpp>
#include <sluice/throttle.hpp>
#include <sluice/when_full.hpp>
#include <sluice/window.hpp>
