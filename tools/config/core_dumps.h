// CoreDumps: a process that holds secrets leaves none behind when it dies.
#pragma once

namespace larder::tools {

// From here on a crash of this process writes no core, nobody without privileges can attach to it
// or read its memory and environment under /proc. Programs that it starts are not concerned.
void ForbidCoreDumps();

}  // namespace larder::tools
