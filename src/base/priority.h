// How far a thread steps back behind the others of its process.
#pragma once

#include <functional>

namespace cairn {

/// Lets the calling thread have the processor only where others leave it, but for a small part, so
/// that it still comes forward: `steps` of niceness (each makes its share a fifth smaller), as far
/// as there are any. Once for a thread; it cannot be taken back. Does nothing on systems that know
/// no niceness of threads.
void step_back(int steps);

/// Runs `work` on a thread that has stepped back; those that it starts are as far behind. 0 steps:
/// on the calling thread.
void run_behind(int steps, const std::function<void()>& work);

}  // namespace cairn
