#include "memory_journal_files.h"

#include <algorithm>

namespace larder::testing {
namespace {

constexpr std::size_t kSector = 512;

}  // namespace

class MemoryJournalFiles::File final : public JournalFile {
 public:
  File(MemoryJournalFiles& files, std::shared_ptr<Inode> inode)
      : files_(files), inode_(std::move(inode)) {}

  Result<std::uint64_t> Size() override {
    const std::lock_guard lock(files_.mutex_);
    if (files_.Fails()) return files_.failure_;
    return std::uint64_t{inode_->cached.size()};
  }

  Result<std::string> ReadAt(std::uint64_t offset, std::size_t count) override {
    const std::lock_guard lock(files_.mutex_);
    if (files_.Fails()) return files_.failure_;
    if (offset < files_.spoilt_to_ && offset + count > files_.spoilt_from_) {
      return Status(StatusCode::kDataLoss, "bad medium");
    }
    if (offset >= inode_->cached.size()) return std::string();
    return inode_->cached.substr(offset, count);
  }

  Status WriteAt(std::uint64_t offset, std::string_view bytes) override {
    const std::lock_guard lock(files_.mutex_);
    const bool fails = files_.Fails();
    if (fails) bytes = bytes.substr(0, bytes.size() / 2);  // a short write, then an error
    std::string& cached = inode_->cached;
    if (cached.size() < offset + bytes.size()) cached.resize(offset + bytes.size());
    cached.replace(offset, bytes.size(), bytes);
    if (!bytes.empty()) {
      for (std::size_t s = offset / kSector; s <= (offset + bytes.size() - 1) / kSector; ++s) {
        inode_->dirty.insert(s);
      }
    }
    return fails ? files_.failure_ : Status::Ok();
  }

  Status Sync() override {
    if (files_.on_sync_) files_.on_sync_();
    const std::lock_guard lock(files_.mutex_);
    if (files_.Fails()) {
      files_.PersistSome(*inode_);
      return files_.failure_;
    }
    ++files_.syncs_;
    for (const std::size_t sector : inode_->dirty) files_.Persist(*inode_, sector);
    inode_->dirty.clear();
    return Status::Ok();
  }

 private:
  MemoryJournalFiles& files_;
  const std::shared_ptr<Inode> inode_;
};

Result<std::unique_ptr<JournalFile>> MemoryJournalFiles::Open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Fails()) return failure_;
  const auto found = cached_names_.find(path);
  if (found == cached_names_.end()) return Status(StatusCode::kNotFound, "no such file");
  return std::unique_ptr<JournalFile>(std::make_unique<File>(*this, found->second));
}

Result<std::unique_ptr<JournalFile>> MemoryJournalFiles::Create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Fails()) return failure_;
  const auto inode = std::make_shared<Inode>();
  cached_names_[path] = inode;
  return std::unique_ptr<JournalFile>(std::make_unique<File>(*this, inode));
}

Status MemoryJournalFiles::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Fails()) return failure_;
  cached_names_.erase(path);
  return Status::Ok();
}

Status MemoryJournalFiles::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const bool fails = Fails();
  // A rename that reports an error may have happened.
  if (fails && random_() % 2 == 0) return failure_;
  cached_names_[to] = cached_names_.at(from);
  cached_names_.erase(from);
  return fails ? failure_ : Status::Ok();
}

Status MemoryJournalFiles::SyncDirectoryOf(const std::string& /*path*/) {
  const std::lock_guard lock(mutex_);
  const bool fails = Fails();
  if (fails && random_() % 2 == 0) return failure_;
  durable_names_ = cached_names_;
  return fails ? failure_ : Status::Ok();
}

void MemoryJournalFiles::FailAt(std::uint64_t n, std::uint64_t more) {
  const std::lock_guard lock(mutex_);
  fail_from_ = operations_ + n;
  fail_to_ = fail_from_ + more;
  has_failed_ = false;
}

bool MemoryJournalFiles::has_failed() const {
  const std::lock_guard lock(mutex_);
  return has_failed_;
}

std::uint64_t MemoryJournalFiles::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t MemoryJournalFiles::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

void MemoryJournalFiles::LosePower() {
  const std::lock_guard lock(mutex_);
  if (random_() % 2 == 0) durable_names_ = cached_names_;
  for (auto* names : {&cached_names_, &durable_names_}) {
    for (auto& [path, inode] : *names) PersistSome(*inode);
  }
  for (auto& [path, inode] : durable_names_) inode->cached = inode->durable;
  cached_names_ = durable_names_;
}

std::string MemoryJournalFiles::Read(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = cached_names_.find(path);
  return found == cached_names_.end() ? std::string() : found->second->cached;
}

void MemoryJournalFiles::Write(const std::string& path, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const auto inode = std::make_shared<Inode>();
  inode->cached = bytes;
  inode->durable = std::move(bytes);
  cached_names_[path] = inode;
  durable_names_[path] = inode;
}

bool MemoryJournalFiles::Exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return cached_names_.count(path) != 0;
}

void MemoryJournalFiles::SpoilReads(std::uint64_t from, std::uint64_t to) {
  const std::lock_guard lock(mutex_);
  spoilt_from_ = from;
  spoilt_to_ = to;
}

bool MemoryJournalFiles::Fails() {
  const std::uint64_t now = operations_++;
  if (now < fail_from_ || now > fail_to_) return false;
  has_failed_ = true;
  return true;
}

void MemoryJournalFiles::Persist(Inode& inode, std::size_t sector) {
  const std::size_t from = sector * kSector;
  const std::size_t to = std::min(from + kSector, inode.cached.size());
  if (to <= from) return;
  if (inode.durable.size() < to) inode.durable.resize(to);
  inode.durable.replace(from, to - from, inode.cached, from, to - from);
}

void MemoryJournalFiles::PersistSome(Inode& inode) {
  for (const std::size_t sector : inode.dirty) {
    if (random_() % 2 == 0) Persist(inode, sector);
  }
  inode.dirty.clear();
}

}  // namespace larder::testing
