// Whose a request is, where the gateway has clients of its own, and with whom its answer is shared.
// larderd and cachectl ask here alike, so that one knows the keys of the other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "caller_config.h"
#include "larder/client/message.h"

namespace larder::tools {

// The isolation scope of all requests where `gateway.isolation` is "namespace".
inline constexpr char kNamespaceScope[] = "namespace";

// Index of the caller whose key stands in `authorization` (Bearer), `x-api-key` or `api-key`;
// nullopt: nobody's. How long it takes tells nothing of the keys. Each of these that holds a key of
// any caller is taken out: it is between the caller and the gateway alone.
std::optional<std::size_t> FindCaller(const std::vector<CallerConfig>& callers,
                                      client::Headers& headers);

// Puts the caller in the place of its key among `headers`, from which a scope is made: so a new key
// finds the old answers.
void AddCaller(const CallerConfig& caller, client::Headers& headers);

// The namespace `asked` for (empty: none) within the caller's own.
std::string NamespaceWithin(const CallerConfig& caller, const std::string& asked);

}  // namespace larder::tools
