#include "core_dumps.h"

#include <sys/prctl.h>

namespace larder::tools {

// A limit of zero bytes would not do: it is not asked where cores go to a program.
void ForbidCoreDumps() { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace larder::tools
