#define ZSTD_STATIC_LINKING_ONLY  // digests that refer to the bytes instead of copying them
#include "dictionary.h"

#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include "directory_lock.h"
#include "small_file.h"
#include "varint.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "larder dictionary 1\n";
constexpr std::string_view kSuffix = ".dict";
constexpr std::size_t kMostOverhead = 64;  // of a file over its dictionary
constexpr std::size_t kChecksumBytes = 8;
// Four bytes of varint in every record. Two dictionaries of one cache share an id once in 10^8.
constexpr std::uint64_t kIdMask = (std::uint64_t{1} << 28) - 1;

void AppendChecksum(std::string& bytes) {
  const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    bytes.push_back(static_cast<char>(sum >> (8 * i) & 0xff));
  }
}

struct Parts {
  std::uint64_t generation = 0;
  std::string_view bytes;
};

std::string ParentOf(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

std::optional<Parts> Decode(std::string_view file) {
  if (file.size() < kMagic.size() + kChecksumBytes || !file.starts_with(kMagic)) return {};
  std::string expected(file.substr(0, file.size() - kChecksumBytes));
  AppendChecksum(expected);
  if (expected != file) return {};
  std::string_view in = file.substr(0, file.size() - kChecksumBytes).substr(kMagic.size());
  Parts parts;
  if (!ReadVarint(in, parts.generation) || !ReadLengthPrefixed(in, parts.bytes) || !in.empty()) {
    return {};
  }
  return parts;
}

// A dictionary's file, checked. Errors: kNotFound, kUnavailable, kDataLoss.
Result<std::string> ReadFile(const std::string& path) {
  Result<std::string> bytes = ReadSmallFile(path, DictionaryShelf::kMostBytes + kMostOverhead);
  if (!bytes.ok() || Decode(*bytes).has_value()) return bytes;
  return Status(StatusCode::kDataLoss, path + " does not verify");
}

// Calls `call` for the files of `directory`, which need not exist, until that fails.
Status ForEachDictionary(const std::string& directory,
                         const std::function<Status(const fs::path&)>& call) {
  std::error_code error;
  fs::directory_iterator file(directory, error);
  if (error == std::errc::no_such_file_or_directory) return Status::Ok();
  for (; !error && file != fs::directory_iterator(); file.increment(error)) {
    if (!file->path().string().ends_with(kSuffix)) continue;
    if (Status status = call(file->path()); !status.ok()) return status;
  }
  if (!error) return Status::Ok();
  return {StatusCode::kUnavailable, "list " + directory + ": " + error.message()};
}

}  // namespace

Dictionary::Dictionary(std::string bytes, std::uint64_t generation, std::optional<int> level)
    : bytes_(std::move(bytes)),
      id_(std::max<std::uint64_t>(1, XXH3_64bits(bytes_.data(), bytes_.size()) & kIdMask)),
      generation_(generation),
      compressing_(level ? ZSTD_createCDict_byReference(bytes_.data(), bytes_.size(), *level)
                         : nullptr),
      decompressing_(ZSTD_createDDict_byReference(bytes_.data(), bytes_.size())) {}

std::size_t Dictionary::memory_bytes() const {
  return sizeof(*this) + bytes_.capacity() + ZSTD_sizeof_CDict(compressing_.get()) +
         ZSTD_sizeof_DDict(decompressing_.get());
}

DictionaryShelf::DictionaryShelf(std::string directory, int level,
                                 const std::function<void(LogLevel, std::string_view)>& log)
    : directory_(std::move(directory)), level_(level) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory_, error)) {
    const std::string path = file.path().string();
    if (path.ends_with(".new")) ::unlink(path.c_str());  // left by a crash
    if (!path.ends_with(kSuffix)) continue;
    const Result<std::string> bytes = ReadSmallFile(path, kMostBytes + kMostOverhead);
    const std::optional<Parts> parts = bytes.ok() ? Decode(*bytes) : std::nullopt;
    if (!parts.has_value()) {
      if (log) log(LogLevel::kWarning, path + " does not verify; what needs it is a miss");
      continue;
    }
    auto dictionary = std::make_shared<const Dictionary>(std::string(parts->bytes),
                                                         parts->generation, std::nullopt);
    by_generation_[dictionary->generation()] = dictionary;
    by_id_[dictionary->id()] = std::move(dictionary);
  }
  if (by_generation_.empty()) return;
  RemakeNewest(level_);
  // The last process may have been killed before it did that; what is written now must not need a
  // file that a loss of power takes back.
  Status synced = SyncDirectory(directory_);
  if (synced.ok()) synced = SyncDirectory(ParentOf(directory_));
  if (!synced.ok() && log) log(LogLevel::kWarning, "sync " + directory_ + ": " + synced.message());
}

std::size_t DictionaryShelf::size() const {
  const std::shared_lock lock(mutex_);
  return by_generation_.size();
}

DictionaryPtr DictionaryShelf::Newest() const {
  const std::shared_lock lock(mutex_);
  return by_generation_.empty() ? nullptr : by_generation_.rbegin()->second;
}

std::vector<DictionaryPtr> DictionaryShelf::All() const {
  const std::shared_lock lock(mutex_);
  std::vector<DictionaryPtr> all;
  for (const auto& [generation, dictionary] : by_generation_) all.push_back(dictionary);
  return all;
}

void DictionaryShelf::SetLevel(int level) {
  const std::lock_guard lock(mutex_);
  level_ = level;
  if (!by_generation_.empty()) RemakeNewest(level);
}

void DictionaryShelf::RemakeNewest(std::optional<int> level) {
  DictionaryPtr& newest = by_generation_.rbegin()->second;
  newest = std::make_shared<const Dictionary>(newest->bytes(), newest->generation(), level);
  by_id_[newest->id()] = newest;
}

std::size_t DictionaryShelf::memory_bytes() const {
  const std::shared_lock lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& [generation, dictionary] : by_generation_) bytes += dictionary->memory_bytes();
  return bytes;
}

DictionaryPtr DictionaryShelf::Find(std::uint64_t id) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::string DictionaryShelf::PathOf(std::uint64_t id) const {
  char name[24];
  std::snprintf(name, sizeof(name), "%08llx", static_cast<unsigned long long>(id));
  return directory_ + "/" + name + std::string(kSuffix);
}

Status DictionaryShelf::Adopt(std::string bytes) {
  const DictionaryPtr newest = Newest();
  const std::uint64_t generation = newest == nullptr ? 1 : newest->generation() + 1;
  std::string file(kMagic);
  AppendVarint(file, generation);
  AppendLengthPrefixed(file, bytes);
  AppendChecksum(file);
  auto dictionary = std::make_shared<const Dictionary>(std::move(bytes), generation, level_);
  static_cast<void>(::mkdir(directory_.c_str(), 0700));
  // Though it be there: who made it may have failed to.
  if (Status synced = SyncDirectory(ParentOf(directory_)); !synced.ok()) return synced;
  if (Status status = ReplaceSmallFile(PathOf(dictionary->id()), file, "dictionary written");
      !status.ok()) {
    return {StatusCode::kUnavailable, status.message()};
  }
  const std::lock_guard lock(mutex_);
  if (!by_generation_.empty()) RemakeNewest(std::nullopt);
  by_generation_[generation] = dictionary;
  by_id_[dictionary->id()] = std::move(dictionary);
  return Status::Ok();
}

std::size_t DictionaryShelf::DropUnused(const std::set<std::uint64_t>& in_use) {
  const std::lock_guard lock(mutex_);
  std::size_t dropped = 0;
  for (auto at = by_generation_.begin();
       std::distance(at, by_generation_.end()) > std::ptrdiff_t{kAlwaysKept};) {
    const std::uint64_t id = at->second->id();
    if (in_use.contains(id)) {
      ++at;
      continue;
    }
    ::unlink(PathOf(id).c_str());
    by_id_.erase(id);
    at = by_generation_.erase(at);
    ++dropped;
  }
  return dropped;
}

Status CopyDictionaries(const std::string& from, const std::string& to) {
  return ForEachDictionary(from, [&to](const fs::path& source) -> Status {
    // By name: it is made of the bytes, so that what has the same name is the same, if it is sound.
    const std::string copy = to + "/" + source.filename().string();
    if (ReadFile(copy).ok()) return Status::Ok();
    const Result<std::string> bytes = ReadFile(source.string());
    if (bytes.status().code() == StatusCode::kNotFound) return Status::Ok();  // dropped just now
    if (!bytes.ok()) return bytes.status();
    std::error_code error;
    fs::create_directory(to, error);
    Status status = ReplaceSmallFile(copy, *bytes, "dictionary copied");
    if (!status.ok()) return {StatusCode::kUnavailable, status.message()};
    return status;
  });
}

Status VerifyDictionaries(const std::string& directory) {
  return ForEachDictionary(directory,
                           [](const fs::path& file) { return ReadFile(file.string()).status(); });
}

}  // namespace larder
