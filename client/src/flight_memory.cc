#include "larder/client/flight_memory.h"

#include <string_view>
#include <utility>

namespace larder::client {

std::shared_ptr<FlightMemory> FlightMemory::Make(std::uint64_t most_bytes) {
  return std::shared_ptr<FlightMemory>(new FlightMemory(most_bytes));
}

std::optional<SharedBytes> FlightMemory::Keep(SharedBytes bytes) {
  struct Kept {
    Kept(std::shared_ptr<FlightMemory> memory_in, SharedBytes bytes_in)
        : memory(std::move(memory_in)), bytes(std::move(bytes_in)) {}
    ~Kept() { memory->taken_ -= bytes.size(); }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    const std::shared_ptr<FlightMemory> memory;
    const SharedBytes bytes;
  };
  const std::uint64_t more = bytes.size();
  if (taken_.fetch_add(more) + more > most_) {
    taken_ -= more;
    return std::nullopt;
  }
  const std::string_view view = bytes.view();
  std::shared_ptr<const Kept> kept;
  try {
    kept = std::make_shared<const Kept>(shared_from_this(), std::move(bytes));
  } catch (...) {
    taken_ -= more;
    throw;
  }
  return SharedBytes(std::move(kept), view);
}

}  // namespace larder::client
