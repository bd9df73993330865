// Dictionaries: what bodies have in common, so that a short one compresses as part of a long one.
//
// A record names the dictionary that it takes to read it. Each is a small checksummed file; the
// newest is used for writing, older ones are kept while a file of the store needs them.
#pragma once

#include <zstd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "larder/options.h"
#include "larder/result.h"

namespace larder {

// Digested once: for reading, and for writing if it is for that, which takes several times as much
// memory. Immutable; shared by contexts of many threads.
class Dictionary {
 public:
  // `generation`: later ones are greater. `level`: of zstd, at which it compresses; nullopt: it
  // does not.
  Dictionary(std::string bytes, std::uint64_t generation, std::optional<int> level);

  // From its bytes: another dictionary can never take its place. Never 0.
  std::uint64_t id() const { return id_; }
  std::uint64_t generation() const { return generation_; }
  const std::string& bytes() const { return bytes_; }
  const ZSTD_CDict* compressing() const { return compressing_.get(); }  // null: see above
  const ZSTD_DDict* decompressing() const { return decompressing_.get(); }
  std::size_t memory_bytes() const;

 private:
  struct Free {
    void operator()(ZSTD_CDict* digested) const { ZSTD_freeCDict(digested); }
    void operator()(ZSTD_DDict* digested) const { ZSTD_freeDDict(digested); }
  };
  const std::string bytes_;
  const std::uint64_t id_;
  const std::uint64_t generation_;
  // Both refer to bytes_.
  const std::unique_ptr<ZSTD_CDict, Free> compressing_;
  const std::unique_ptr<ZSTD_DDict, Free> decompressing_;
};

using DictionaryPtr = std::shared_ptr<const Dictionary>;

// All dictionaries of a cache. Thread-safe.
class DictionaryShelf {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // of one

  // Reads `directory`, which need not exist. A damaged file is logged and passed over: what needs
  // it is a miss.
  DictionaryShelf(std::string directory, int level,
                  const std::function<void(LogLevel, std::string_view)>& log);

  std::size_t size() const;
  // Null: none. For writing, and by its id for reading.
  DictionaryPtr Newest() const;
  std::vector<DictionaryPtr> All() const;  // oldest first
  DictionaryPtr Find(std::uint64_t id) const;
  // Of all of them; not of one that a writer still holds.
  std::size_t memory_bytes() const;

  // Keeps `bytes` in a file, and uses them from then on.
  // Errors: kUnavailable (the file could not be written; nothing has changed).
  Status Adopt(std::string bytes);
  // At which the newest compresses from now on, and those to come.
  void SetLevel(int level);
  // Forgets, and deletes, what is not among `in_use`; never the newest two, as a writer may be
  // about to store something compressed with either. Returns how many.
  static constexpr std::size_t kAlwaysKept = 2;
  std::size_t DropUnused(const std::set<std::uint64_t>& in_use);

 private:
  std::string PathOf(std::uint64_t id) const;
  // The newest, which compresses, or does not any more. The caller holds mutex_.
  void RemakeNewest(std::optional<int> level);

  const std::string directory_;
  std::atomic<int> level_;
  mutable std::shared_mutex mutex_;
  std::map<std::uint64_t, DictionaryPtr> by_id_;          // guarded by mutex_
  std::map<std::uint64_t, DictionaryPtr> by_generation_;  // guarded by mutex_
};

// Copies the dictionary files in `from`, which need not exist, that `to` does not have, or damaged.
// Errors: kUnavailable; kDataLoss (one to be copied is damaged).
Status CopyDictionaries(const std::string& from, const std::string& to);
// Reads all in `directory`, which need not exist. Errors: kUnavailable, kDataLoss.
Status VerifyDictionaries(const std::string& directory);

}  // namespace larder
