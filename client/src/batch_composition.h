// BatchComposition: the answer to a batch of embeddings, made of the answers to its items.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch_slots.h"
#include "caching_core.h"
#include "embeddings.h"

namespace larder::client {

// Neither of the two: there was no memory for it.
struct BatchComposition {
  std::optional<std::string> body;
  std::vector<std::size_t> unfit;  // slots whose answer cannot be given as `batch` wants it
};

// All of `slots` have their answers. On the pool, where they are large, as PatienceFor() says.
// nullopt: the caller gave up.
boost::asio::awaitable<std::optional<BatchComposition>> ComposeBatch(
    std::shared_ptr<const CachingCore> core, std::shared_ptr<const EmbeddingsBatch> batch,
    const std::vector<BatchSlot>& slots, const std::vector<std::size_t>& positions);

}  // namespace larder::client
