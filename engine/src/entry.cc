#include "larder/entry.h"

#include <cstring>

#include "entry_data.h"
#include "varint.h"

namespace larder {

char* FillEntry(EntryData& data, std::string_view metadata, std::string_view tags,
                std::uint32_t tag_count, std::size_t body_bytes) {
  data.buffer = MakeBytes(metadata.size() + tags.size() + body_bytes);
  char* out = data.buffer.get();
  if (!metadata.empty()) std::memcpy(out, metadata.data(), metadata.size());
  data.metadata = {out, metadata.size()};
  out += metadata.size();
  if (!tags.empty()) std::memcpy(out, tags.data(), tags.size());
  data.tags = {out, tags.size()};
  data.tag_count = tag_count;
  out += tags.size();
  data.body = {out, body_bytes};
  if (tag_count > 0) {
    data.tag_hashes.reserve(tag_count);
    std::string_view rest = data.tags;
    std::string_view tag;
    while (ReadLengthPrefixed(rest, tag)) data.tag_hashes.push_back(HashTag(tag));
  }
  return out;
}

std::string_view Entry::body() const { return data_->body; }
SharedBytes Entry::shared_body() const { return {data_, data_->body}; }
std::string_view Entry::metadata() const { return data_->metadata; }

std::vector<std::string_view> Entry::tags() const {
  std::vector<std::string_view> tags;
  tags.reserve(data_->tag_count);
  std::string_view rest = data_->tags;
  std::string_view tag;
  while (ReadLengthPrefixed(rest, tag)) tags.push_back(tag);
  return tags;
}

TimePoint Entry::created() const { return data_->created; }
TimePoint Entry::fresh_until() const { return data_->FreshUntil(); }
TimePoint Entry::expires() const { return data_->expires; }
Duration Entry::stale_while_revalidate() const { return data_->stale_while_revalidate; }
Duration Entry::stale_if_error() const { return data_->stale_if_error; }
bool Entry::negative() const { return data_->negative; }
std::uint64_t Entry::cost_microusd() const { return data_->cost_microusd; }
Duration Entry::compute_time() const { return data_->compute_time; }
std::uint64_t Entry::number() const { return data_->number; }
std::uint64_t Entry::stored_bytes() const {
  return data_->stored_bytes.load(std::memory_order_relaxed);
}

}  // namespace larder
