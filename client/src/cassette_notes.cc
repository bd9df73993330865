#include "cassette_notes.h"

#include <optional>
#include <utility>
#include <vector>

namespace larder::client {
namespace {

// Keys of answers are hashes: none begins like this.
constexpr std::string_view kPrefix = "larder.cassette/";

}  // namespace

void NoteRecording(ResponseCache& cache, const RequestKey& key, const RequestTraits& traits) {
  cache.PutNote(std::string(kPrefix) + ToHex(key), EncodeTraits(traits));
}

Result<std::string> NearestRecording(ResponseCache& cache, const RequestTraits& sought) {
  const Result<std::vector<ResponseCache::Note>> notes = cache.Notes(kPrefix);
  if (!notes.ok()) return notes.status();
  std::optional<TraitDifference> least;
  std::string nearest;
  for (const ResponseCache::Note& note : *notes) {
    const std::optional<RequestTraits> traits = DecodeTraits(note.text);
    if (!traits) continue;
    TraitDifference difference = Compare(sought, *traits);
    if (least && difference.count >= least->count) continue;
    least = std::move(difference);
    nearest = note.key.substr(kPrefix.size());
  }
  if (!least) return std::string("there is no recording at all");
  // Recorded, and gone since; or in a form that this caller cannot be given.
  if (least->count == 0) return "its recording " + nearest + " has no answer for this caller";
  return "the nearest recording is " + nearest + ", which differs in " +
         std::to_string(least->count) + (least->count == 1 ? " part, " : " parts, first in ") +
         least->first;
}

}  // namespace larder::client
