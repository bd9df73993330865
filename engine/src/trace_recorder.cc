#include "larder/trace_recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "entry_facts.h"
#include "hot_tier.h"

namespace larder {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

class FileTraceRecorder final : public TraceRecorder {
 public:
  FileTraceRecorder(int file, Observer* next) : file_(file), next_(next) {
    buffer_ = "key,size,miss_cost\n";
  }
  ~FileTraceRecorder() override {
    static_cast<void>(Flush());
    ::close(file_);
  }

  Status Flush() override {
    const std::lock_guard lock(mutex_);
    WriteBuffer();
    return status_;
  }
  std::uint64_t rows() const override {
    const std::lock_guard lock(mutex_);
    return rows_;
  }

  void OnHit(const Hit& hit) override {
    Add(hit.key, hit.stored_bytes, CostOf(hit.cost_microusd, hit.compute_time));
    if (next_ != nullptr) next_->OnHit(hit);
  }
  void OnStored(const Stored& stored) override {
    Add(stored.key, stored.stored_bytes, CostOf(stored.cost_microusd, stored.compute_time));
    if (next_ != nullptr) next_->OnStored(stored);
  }
  void OnMiss(std::string_view key, MissReason reason) override {
    if (next_ != nullptr) next_->OnMiss(key, reason);
  }
  void OnRefused(const Refused& refused) override {
    if (next_ != nullptr) next_->OnRefused(refused);
  }
  void OnInvalidated(const Invalidated& invalidated) override {
    if (next_ != nullptr) next_->OnInvalidated(invalidated);
  }
  void OnHealth(const Health& health) override {
    if (next_ != nullptr) next_->OnHealth(health);
  }
  void OnEvicted(const Evicted& evicted) override {
    if (next_ != nullptr) next_->OnEvicted(evicted);
  }
  void OnCompacted(const Compacted& compacted) override {
    if (next_ != nullptr) next_->OnCompacted(compacted);
  }

 private:
  void Add(std::string_view key, std::uint64_t bytes, double cost) {
    char row[80];
    const int size = std::snprintf(row, sizeof(row), "%016" PRIx64 ",%" PRIu64 ",%.0f\n",
                                   HotTier::HashKey(key), std::max<std::uint64_t>(bytes, 1), cost);
    const std::lock_guard lock(mutex_);
    if (!status_.ok()) return;
    buffer_.append(row, static_cast<std::size_t>(size));
    ++rows_;
    if (buffer_.size() >= kBufferBytes) WriteBuffer();
  }

  void WriteBuffer() {
    std::string_view left = buffer_;
    while (status_.ok() && !left.empty()) {
      const ssize_t written = ::write(file_, left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        status_ = {StatusCode::kUnavailable, std::string("write a trace: ") + std::strerror(errno)};
      } else {
        left.remove_prefix(static_cast<std::size_t>(written));
      }
    }
    buffer_.clear();
  }

  const int file_;
  Observer* const next_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::string buffer_;
  std::uint64_t rows_ = 0;
  Status status_ = Status::Ok();
};

}  // namespace

Result<std::unique_ptr<TraceRecorder>> TraceRecorder::Create(const std::string& path,
                                                             Observer* next) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return Status(StatusCode::kUnavailable, "create " + path + ": " + std::strerror(errno));
  }
  return std::unique_ptr<TraceRecorder>(std::make_unique<FileTraceRecorder>(file, next));
}

}  // namespace larder
