#include "larder/formats.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <utility>

#include "directory_lock.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kStateVersion = 1;
constexpr std::uint64_t kJournalVersion = 3;
constexpr std::uint64_t kDictionaryVersion = 1;
constexpr std::size_t kHeadBytes = 64;
// Copies of the journal's header; a torn write leaves one of them.
constexpr std::streamoff kHeaderCopies[] = {0, 4096};

Result<std::string> ReadHead(const std::string& path, std::streamoff offset) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return SystemError("open", path);
  std::string head(kHeadBytes, '\0');
  file.seekg(offset);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (file.bad()) return SystemError("read", path);
  return head;
}

// Of "larder state 1\n": what follows `name`. 0: it is something else.
std::uint64_t TextVersion(std::string_view head, std::string_view name) {
  if (!head.starts_with(name)) return 0;
  head.remove_prefix(name.size());
  std::uint64_t version = 0;
  const char* end = head.data() + head.size();
  const auto [at, error] = std::from_chars(head.data(), end, version);
  return error == std::errc() && at != end && *at == '\n' ? version : 0;
}

std::uint64_t JournalVersion(std::string_view head) {
  constexpr std::string_view kMagic = "LDRJRNL1";
  if (!head.starts_with(kMagic) || head.size() < 2 * kMagic.size()) return 0;
  std::uint64_t version = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    version |= std::uint64_t{static_cast<unsigned char>(head[kMagic.size() + i])} << (8 * i);
  }
  return version;
}

}  // namespace

Result<std::vector<FileFormat>> ReadFormats(const std::string& directory) {
  std::vector<FileFormat> formats;
  std::error_code error;
  const auto path = [&](const std::string& file) { return directory + "/" + file; };
  if (fs::exists(path("state"), error)) {
    const Result<std::string> head = ReadHead(path("state"), 0);
    if (!head.ok()) return head.status();
    formats.push_back({"state", TextVersion(*head, "larder state "), kStateVersion});
  }
  if (fs::exists(path("invalidations"), error)) {
    FileFormat journal{"invalidations", 0, kJournalVersion};
    for (const std::streamoff offset : kHeaderCopies) {
      const Result<std::string> head = ReadHead(path("invalidations"), offset);
      if (!head.ok()) return head.status();
      journal.version = std::max(journal.version, JournalVersion(*head));
    }
    formats.push_back(std::move(journal));
  }
  std::vector<std::string> dictionaries;
  for (fs::directory_iterator it(path("dict"), error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".dict") dictionaries.push_back(it->path().filename().string());
  }
  std::sort(dictionaries.begin(), dictionaries.end());
  for (const std::string& name : dictionaries) {
    const Result<std::string> head = ReadHead(path("dict/" + name), 0);
    if (!head.ok()) return head.status();
    formats.push_back(
        {"dict/" + name, TextVersion(*head, "larder dictionary "), kDictionaryVersion});
  }
  return formats;
}

}  // namespace larder
