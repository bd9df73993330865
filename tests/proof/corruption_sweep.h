// CorruptionSweep: damages the files of a cache that was closed or killed in every way a disk or a
// person can, opens it, and checks that nothing wrong is served and that the cache works (P5, P1).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "larder/cache.h"
#include "tmpfs_dir.h"

namespace larder::testing {

struct Damage {
  enum class Kind : std::uint8_t {
    kFlip,      // one byte at `at`, by `with`
    kZero,      // 512 bytes from `at`
    kTruncate,  // to `at` bytes
    kAppend,    // `at` bytes of 0xa5
    kRemove,
    kSwap,  // with `other`
    kCopy,  // `other` in its place
  };
  Kind kind = Kind::kFlip;
  std::string file = {};  // under the cache's directory
  std::string other = {};
  std::uint64_t at = 0;
  unsigned char with = 0xff;
};
std::string ToString(const Damage& damage);

class CorruptionSweep {
 public:
  // Makes the sound cache: rows in tables and in the log, values that were replaced, removed,
  // invalidated, and computed too slowly. An even seed closes it, an odd one kills it.
  explicit CorruptionSweep(std::uint64_t seed);

  // The files of a kind: "sst", "log", "MANIFEST", "CURRENT", "IDENTITY", "OPTIONS",
  // "invalidations", "state".
  std::vector<std::string> FilesOf(const std::string& kind) const;
  std::uint64_t SizeOf(const std::string& file) const;
  Damage RandomDamage();

  // Opens the cache with all of these damages done. Empty, or what is wrong.
  std::string Try(const std::vector<Damage>& damages);
  // How many values were served in the last Try, of all().
  std::size_t served() const { return served_; }
  std::size_t all() const { return may_be_served_.size(); }

 private:
  void Fill(Cache& cache);
  void CopyWhileOpen() const;
  void Put(Cache& cache, int key, const std::string& tag);
  void Inflict(const Damage& damage) const;
  std::string Check(Cache& cache);
  std::string SoundPath(const std::string& file) const { return sound_ + "/" + file; }
  std::string TriedPath(const std::string& file) const { return tried_ + "/" + file; }

  TmpfsDir dir_;
  const std::string sound_ = dir_ / "sound";
  const std::string running_ = dir_ / "running";
  const std::string tried_ = dir_ / "tried";
  std::mt19937_64 random_;
  // The bodies of a key that no removal or invalidation covers: the latest, and those it replaced.
  std::map<std::string, std::set<std::string>> may_be_served_;
  std::vector<std::string> keys_;
  std::vector<std::string> files_;
  std::size_t served_ = 0;
};

}  // namespace larder::testing
