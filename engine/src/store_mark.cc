#include "store_mark.h"

#include <algorithm>

namespace larder {
namespace {

std::string Lost(const std::string& what) { return "the store lost synced writes: " + what; }

// The end of what was read without a gap from the beginning of this log on; 0 if that is missing.
std::uint64_t EndFrom(std::uint64_t log, const std::vector<RecoveredStore::Run>& runs) {
  std::uint64_t end = 0;
  for (const RecoveredStore::Run& run : runs) {
    if (run.log < log) continue;
    if (end == 0 ? run.log != log : run.first != end + 1) break;
    end = run.last;
  }
  return end;
}

}  // namespace

std::string FindLostWrites(const StoreMark& mark, const RecoveredStore& store) {
  if (store.sequence.has_value() && *store.sequence < mark.sequence) {
    return Lost("it is at " + std::to_string(*store.sequence) + ", " +
                std::to_string(mark.sequence) + " was noted");
  }
  if (mark.gone == 0 && mark.logs[0] == 0) return {};
  if (!store.first_log.has_value()) return Lost("its logs are missing");
  if (mark.gone != 0 && mark.gone >= *store.first_log) {
    return Lost("log " + std::to_string(mark.gone) + " is not in its manifest's tables");
  }
  const auto* const log = std::find_if(mark.logs.begin(), mark.logs.end(), [&](std::uint64_t l) {
    return l != 0 && l >= *store.first_log;
  });
  if (log == mark.logs.end()) return {};  // all is in tables
  const std::uint64_t end = EndFrom(*log, store.runs);
  if (end >= mark.sequence) return {};
  return Lost("its logs end at " + std::to_string(end) + ", " + std::to_string(mark.sequence) +
              " was noted");
}

}  // namespace larder
