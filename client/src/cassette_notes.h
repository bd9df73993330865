// CassetteNotes: what was recorded, part by part, kept beside the recordings so that a replay that
// finds nothing can name the nearest.
#pragma once

#include <string>

#include "larder/client/request_key.h"
#include "request_traits.h"
#include "response_cache.h"

namespace larder::client {

// Both may block on the store.
void NoteRecording(ResponseCache& cache, const RequestKey& key, const RequestTraits& traits);
// "the nearest recording is <key>, which differs in 2 parts, first in /messages/0/content"; or that
// there is none. Errors: as ResponseCache::Notes.
Result<std::string> NearestRecording(ResponseCache& cache, const RequestTraits& sought);

}  // namespace larder::client
