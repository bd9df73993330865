// cachectl: looks into a cache and changes it. See verb_table.cc for what it can do.
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "console.h"
#include "exit_status.h"
#include "invocation.h"

namespace larder::cachectl {
namespace {

int Fail(Console& console, const Status& status) {
  console.Note("cachectl: " + status.message());
  return tools::ToExitStatus(status.code());
}

int Main(const std::vector<std::string>& words) {
  const Result<Invocation> invocation = ParseInvocation(words);
  Console console(invocation.ok() && invocation->Has("--json"));
  if (!invocation.ok()) return Fail(console, invocation.status());
  const Result<tools::ExitStatus> done = invocation->verb->run(*invocation, console);
  const Status written = console.Finish();
  if (!done.ok()) return Fail(console, done.status());
  if (!written.ok()) return Fail(console, written);
  return *done;
}

}  // namespace
}  // namespace larder::cachectl

int main(int argc, char** argv) {
  // A reader that goes away is seen by the write that fails, and is no error.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return larder::cachectl::Main({argv + 1, argv + argc});
  } catch (const std::exception&) {
    // Its text could hold an answer's.
    larder::cachectl::Console(false).Note("cachectl: unexpected exception");
    return larder::tools::kExitFailed;
  }
}
