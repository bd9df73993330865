#include "hot_tier.h"

#include <xxhash.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

namespace larder {
namespace {

constexpr std::size_t kShards = 32;
constexpr unsigned kShardBits = 5;
// Shares and saturation as in the paper.
constexpr std::size_t kSmallShare = 10;  // one tenth of the bytes
constexpr std::uint8_t kMaxFrequency = 3;
constexpr std::size_t kNodeOverhead = 128;

struct Node {
  std::string key;
  std::uint64_t hash = 0;
  std::shared_ptr<const EntryData> entry;
  std::size_t charge = 0;
  std::uint8_t frequency = 0;
  bool in_main = false;
  Node* next_in_bucket = nullptr;
  Node* newer = nullptr;  // queue links
  Node* older = nullptr;
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

}  // namespace

class alignas(64) HotTier::Shard {
 public:
  explicit Shard(std::size_t capacity)
      : capacity_(capacity), buckets_(64, nullptr), ghost_(1024, 0) {}

  ~Shard() {
    for (Node* head : buckets_) {
      while (head != nullptr) delete std::exchange(head, head->next_in_bucket);
    }
  }

  std::shared_ptr<const EntryData> Find(std::string_view key, std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    Node* node = *Slot(key, hash);
    if (node == nullptr) return nullptr;
    if (node->frequency < kMaxFrequency) ++node->frequency;
    return node->entry;
  }

  std::shared_ptr<const EntryData> Peek(std::string_view key, std::uint64_t hash) {
    const std::lock_guard lock(mutex_);
    const Node* node = *Slot(key, hash);
    return node == nullptr ? nullptr : node->entry;
  }

  void Insert(std::string_view key, std::uint64_t hash, std::shared_ptr<const EntryData> entry) {
    const std::size_t charge = entry->MemoryBytes() + key.size() + kNodeOverhead;
    const std::lock_guard lock(mutex_);
    EraseLocked(key, hash, nullptr);
    if (charge > capacity_ / 8) return;
    auto* node = new Node{
        .key = std::string(key), .hash = hash, .entry = std::move(entry), .charge = charge};
    node->in_main = Remembered(hash);
    QueueOf(node).PushNewest(node);
    node->next_in_bucket = std::exchange(BucketOf(hash), node);
    if (++count_ > buckets_.size()) Grow();
    while (small_.bytes + main_.bytes > capacity_) EvictOne();
  }

  void Erase(std::string_view key, std::uint64_t hash, const EntryData* only) {
    const std::lock_guard lock(mutex_);
    EraseLocked(key, hash, only);
  }

  std::size_t entries() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return small_.bytes + main_.bytes;
  }

 private:
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
    if (ghost_.size() < buckets_.size()) ghost_.assign(buckets_.size(), 0);
  }

  // Constant after construction.
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
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
  return ShardOf(hash).Find(key, hash);
}
std::shared_ptr<const EntryData> HotTier::Peek(std::string_view key, std::uint64_t hash) {
  return ShardOf(hash).Peek(key, hash);
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
