#include "hot_tier.h"

#include <sched.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

namespace larder {
namespace {

constexpr std::size_t kShards = 32;
constexpr unsigned kShardBits = 5;
// Shares and saturation as in the paper.
constexpr std::size_t kSmallShare = 10;  // one tenth of the bytes
constexpr std::uint8_t kMaxFrequency = 3;
constexpr std::size_t kMaxLanes = 8;
// What a handle's control block takes, and a node's share of buckets and ghost.
constexpr std::size_t kHandleBytes = 48;
constexpr std::size_t kIndexBytes = 48;

using EntryPtr = std::shared_ptr<const EntryData>;

// A node is read under one lane's lock and changed under all of them; what a hit changes is
// either atomic or its lane's own.
struct Node {
  // What a hit reads, first.
  std::uint64_t hash = 0;
  Node* next_in_bucket = nullptr;
  std::string key;
  std::atomic<std::uint8_t> frequency{0};
  bool in_main = false;
  std::array<EntryPtr, kMaxLanes> handles;  // see HandleOf
  EntryPtr entry;
  std::size_t charge = 0;
  Node* newer = nullptr;  // queue links
  Node* older = nullptr;
};

// An entry that was used again, and where it stands: of all shards in turn, so that who reads the
// list fills them evenly.
struct Used {
  unsigned uses;
  std::size_t place;
  std::size_t shard;
  std::string key = {};

  bool IsHotterThan(const Used& other) const {
    return std::tie(other.uses, place, shard) < std::tie(uses, other.place, other.shard);
  }
};

// The hottest of what it is shown, as many as have keys of `most_bytes`; of the others it keeps
// nothing.
class Hottest {
 public:
  explicit Hottest(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  void Show(Used used, const std::string& key) {
    if (hottest_out_.has_value() && !used.IsHotterThan(*hottest_out_)) return;
    used.key = key;
    bytes_ += key.size();
    heap_.push_back(std::move(used));
    std::push_heap(heap_.begin(), heap_.end(), kHotterFirst);
    while (bytes_ > most_bytes_) PutOut();
  }

  std::vector<std::string> Take() {
    std::sort_heap(heap_.begin(), heap_.end(), kHotterFirst);
    std::vector<std::string> keys;
    keys.reserve(heap_.size());
    for (Used& used : heap_) keys.push_back(std::move(used.key));
    return keys;
  }

 private:
  static constexpr auto kHotterFirst = [](const Used& a, const Used& b) {
    return a.IsHotterThan(b);
  };

  void PutOut() {
    std::pop_heap(heap_.begin(), heap_.end(), kHotterFirst);
    bytes_ -= heap_.back().key.size();
    hottest_out_ = std::move(heap_.back());
    heap_.pop_back();
  }

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Used> heap_;  // the coldest in front
  // Of those put out, so that nothing colder comes in where it did not fit.
  std::optional<Used> hottest_out_;
};

struct Queue {
  Node* oldest = nullptr;
  Node* newest = nullptr;
  std::size_t bytes = 0;

  void PushNewest(Node* node) {
    node->older = newest;
    node->newer = nullptr;
    (newest != nullptr ? newest->newer : oldest) = node;
    newest = node;
    bytes += node->charge;
  }
  void Unlink(Node* node) {
    (node->newer != nullptr ? node->newer->older : newest) = node->older;
    (node->older != nullptr ? node->older->newer : oldest) = node->newer;
    bytes -= node->charge;
  }
};

// Hits on different cores share no cache line that any of them writes, not even a reference
// count: each lane counts on a control block of its own, which holds one count of the entry.
const EntryPtr& HandleOf(Node& node, std::size_t lane) {
  EntryPtr& handle = node.handles[lane];
  if (handle == nullptr) handle = EntryPtr(node.entry.get(), [kept = node.entry](auto*) {});
  return handle;
}

void CountUse(Node& node) {
  const std::uint8_t frequency = node.frequency.load(std::memory_order_relaxed);
  if (frequency < kMaxFrequency) {
    node.frequency.store(frequency + 1, std::memory_order_relaxed);
  }
}

std::size_t LaneCount() {
  return std::clamp<std::size_t>(std::bit_ceil(std::thread::hardware_concurrency()), 1, kMaxLanes);
}

}  // namespace

// Guarded by one lock a lane (a core, or every eighth): who reads takes its own, which no other
// core writes; who changes anything takes them all (a "big-reader lock").
class alignas(64) HotTier::Shard {
 public:
  explicit Shard(std::size_t capacity)
      : lanes_(LaneCount()), capacity_(capacity), buckets_(64, nullptr), ghost_(1024, 0) {}

  ~Shard() {
    for (Node* head : buckets_) {
      while (head != nullptr) delete std::exchange(head, head->next_in_bucket);
    }
  }

  EntryPtr Find(std::string_view key, std::uint64_t hash, bool count) {
    const std::size_t lane = static_cast<unsigned>(sched_getcpu()) % lanes_.size();
    const std::lock_guard lock(lanes_[lane].mutex);
    Node* node = *Slot(key, hash);
    if (node == nullptr) return nullptr;
    if (count) CountUse(*node);
    return HandleOf(*node, lane);
  }

  void Insert(std::string_view key, std::uint64_t hash, EntryPtr entry) {
    const std::size_t charge = entry->MemoryBytes() + key.size() + sizeof(Node) + kIndexBytes +
                               lanes_.size() * kHandleBytes;
    const Exclusive lock(lanes_);
    EraseLocked(key, hash, nullptr);
    if (charge > capacity_ / 8) return;
    auto* node = new Node{.hash = hash,
                          .key = std::string(key),
                          .handles = {},
                          .entry = std::move(entry),
                          .charge = charge};
    node->in_main = Remembered(hash);
    QueueOf(node).PushNewest(node);
    node->next_in_bucket = std::exchange(BucketOf(hash), node);
    if (++count_ > buckets_.size() / 2) Grow();  // a miss reads a bucket and mostly no node
    Shrink();
  }

  void Erase(std::string_view key, std::uint64_t hash, const EntryData* only) {
    const Exclusive lock(lanes_);
    EraseLocked(key, hash, only);
  }

  void Expect(std::uint64_t hash) {
    const Exclusive lock(lanes_);
    Remember(hash);
  }

  // Meanwhile nothing is inserted: a key is copied only if it is among the hottest so far.
  void ShowUsed(std::size_t shard, Hottest& hottest) const {
    const std::lock_guard lock(lanes_.front().mutex);
    std::size_t place = 0;
    for (const Queue* queue : {&main_, &small_}) {
      for (const Node* node = queue->newest; node != nullptr; node = node->older) {
        const unsigned uses = node->frequency.load(std::memory_order_relaxed);
        if (!node->in_main && uses == 0) continue;
        hottest.Show({.uses = uses, .place = place++, .shard = shard}, node->key);
      }
    }
  }

  void SetCapacity(std::size_t capacity) {
    const Exclusive lock(lanes_);
    capacity_ = capacity;
    Shrink();
  }
  std::size_t capacity() const {
    const std::lock_guard lock(lanes_.front().mutex);
    return capacity_;
  }
  std::size_t entries() const {
    const std::lock_guard lock(lanes_.front().mutex);
    return count_;
  }
  std::size_t bytes() const {
    const std::lock_guard lock(lanes_.front().mutex);
    return small_.bytes + main_.bytes;
  }

 private:
  struct alignas(64) Lane {
    std::mutex mutex;
  };
  class Exclusive {
   public:
    explicit Exclusive(std::vector<Lane>& lanes) : lanes_(lanes) {
      for (Lane& lane : lanes_) lane.mutex.lock();
    }
    ~Exclusive() {
      for (Lane& lane : lanes_) lane.mutex.unlock();
    }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    std::vector<Lane>& lanes_;
  };

  Node*& BucketOf(std::uint64_t hash) { return buckets_[(hash >> kShardBits) % buckets_.size()]; }
  Queue& QueueOf(const Node* node) { return node->in_main ? main_ : small_; }

  // The link that points to the key's node, or to null.
  Node** Slot(std::string_view key, std::uint64_t hash) {
    Node** slot = &BucketOf(hash);
    while (*slot != nullptr && ((*slot)->hash != hash || (*slot)->key != key)) {
      slot = &(*slot)->next_in_bucket;
    }
    return slot;
  }

  void EraseLocked(std::string_view key, std::uint64_t hash, const EntryData* only) {
    Node** slot = Slot(key, hash);
    if (*slot == nullptr || (only != nullptr && (*slot)->entry.get() != only)) return;
    Node* node = *slot;
    QueueOf(node).Unlink(node);
    Delete(slot);
  }

  void Delete(Node** slot) {
    delete std::exchange(*slot, (*slot)->next_in_bucket);
    --count_;
  }

  void Shrink() {
    while (small_.bytes + main_.bytes > capacity_) EvictOne();
  }

  void EvictOne() {
    const bool from_small = small_.oldest != nullptr &&
                            (small_.bytes > capacity_ / kSmallShare || main_.oldest == nullptr);
    Queue& queue = from_small ? small_ : main_;
    Node* node = queue.oldest;
    queue.Unlink(node);
    // Seen again while in the small queue: on to main. Seen again in main: another round.
    if (node->frequency > 0) {
      if (from_small) {
        node->in_main = true;
        node->frequency = 0;
      } else {
        --node->frequency;
      }
      main_.PushNewest(node);
      return;
    }
    if (from_small) Remember(node->hash);
    Delete(Slot(node->key, node->hash));
  }

  // The ghost: a direct-mapped table of hashes, as large as there are entries.
  std::uint64_t& GhostOf(std::uint64_t hash) {
    return ghost_[(hash >> kShardBits) % ghost_.size()];
  }
  void Remember(std::uint64_t hash) { GhostOf(hash) = hash; }
  bool Remembered(std::uint64_t hash) {
    std::uint64_t& slot = GhostOf(hash);
    if (slot != hash) return false;
    slot = 0;
    return true;
  }

  void Grow() {
    std::vector<Node*> old(buckets_.size() * 2, nullptr);
    old.swap(buckets_);
    for (Node* node : old) {
      while (node != nullptr) {
        Node* next = node->next_in_bucket;
        node->next_in_bucket = std::exchange(BucketOf(node->hash), node);
        node = next;
      }
    }
    if (ghost_.size() < buckets_.size() / 2) ghost_.assign(buckets_.size() / 2, 0);
  }

  mutable std::vector<Lane> lanes_;  // as many as at construction
  // Guarded by the lanes.
  std::size_t capacity_;
  std::vector<Node*> buckets_;
  std::vector<std::uint64_t> ghost_;
  Queue small_;
  Queue main_;
  std::size_t count_ = 0;
};

HotTier::HotTier(std::size_t capacity_bytes) {
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_.push_back(std::make_unique<Shard>(capacity_bytes / kShards));
  }
}

HotTier::~HotTier() = default;

std::uint64_t HotTier::HashKey(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

HotTier::Shard& HotTier::ShardOf(std::uint64_t hash) const { return *shards_[hash % kShards]; }

std::shared_ptr<const EntryData> HotTier::Find(std::string_view key, std::uint64_t hash) {
  return ShardOf(hash).Find(key, hash, true);
}
std::shared_ptr<const EntryData> HotTier::Peek(std::string_view key, std::uint64_t hash) {
  return ShardOf(hash).Find(key, hash, false);
}
void HotTier::Insert(std::string_view key, std::uint64_t hash,
                     std::shared_ptr<const EntryData> entry) {
  ShardOf(hash).Insert(key, hash, std::move(entry));
}
void HotTier::Erase(std::string_view key, std::uint64_t hash) {
  ShardOf(hash).Erase(key, hash, nullptr);
}
void HotTier::EraseIf(std::string_view key, std::uint64_t hash, const EntryData* entry) {
  ShardOf(hash).Erase(key, hash, entry);
}

void HotTier::Expect(std::uint64_t hash) { ShardOf(hash).Expect(hash); }

std::vector<std::string> HotTier::HottestKeys(std::size_t most_bytes) const {
  Hottest hottest(most_bytes);
  for (std::size_t shard = 0; shard < kShards; ++shard) shards_[shard]->ShowUsed(shard, hottest);
  return hottest.Take();
}

void HotTier::SetCapacity(std::size_t bytes) {
  if (bytes / kShards == shards_.front()->capacity()) return;
  for (const auto& shard : shards_) shard->SetCapacity(bytes / kShards);
}
std::size_t HotTier::capacity() const { return kShards * shards_.front()->capacity(); }

std::size_t HotTier::entries() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->entries();
  return sum;
}
std::size_t HotTier::bytes() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->bytes();
  return sum;
}

}  // namespace larder
