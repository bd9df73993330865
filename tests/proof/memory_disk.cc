#include "memory_disk.h"

#include <algorithm>

namespace larder::testing {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::uint64_t kPage = 4096;

std::pair<std::string, std::string> Split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

void Apply(const std::vector<std::pair<std::string, MemoryDisk::File>>& change,
           std::map<std::string, MemoryDisk::File>& names) {
  for (const auto& [name, file] : change) {
    if (file == nullptr) {
      names.erase(name);
    } else {
      names[name] = file;
    }
  }
}

}  // namespace

struct MemoryDisk::Inode {
  std::string cached;
  std::string durable;
  std::set<std::size_t> dirty;  // sectors that durable lacks
};

std::unique_ptr<MemoryDisk> MemoryDisk::Image(Crash how) {
  const std::lock_guard lock(mutex_);
  return ImageLocked(how);
}

std::unique_ptr<MemoryDisk> MemoryDisk::ImageLocked(Crash how) {
  auto image = std::make_unique<MemoryDisk>(random_());
  Copies copies;
  for (const auto& [path, directory] : directories_) {
    CopyDirectory(directory, image->directories_[path], how, copies);
  }
  return image;
}

void MemoryDisk::CopyDirectory(const Directory& from, Directory& to, Crash how, Copies& copies) {
  if (how == Crash::kPowerLoss) {
    std::map<std::string, File> names = from.durable;
    const std::size_t kept = random_() % (from.pending.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) Apply(from.pending[i], names);
    for (const auto& [name, file] : names) to.cached[name] = CopyOf(file, how, copies);
    to.durable = to.cached;
    return;
  }
  for (const auto& [name, file] : from.cached) to.cached[name] = CopyOf(file, how, copies);
  for (const auto& [name, file] : from.durable) to.durable[name] = CopyOf(file, how, copies);
  for (const Change& change : from.pending) {
    Change copy;
    for (const auto& [name, file] : change) {
      copy.emplace_back(name, file == nullptr ? nullptr : CopyOf(file, how, copies));
    }
    to.pending.push_back(std::move(copy));
  }
}

MemoryDisk::File MemoryDisk::CopyOf(const File& file, Crash how, Copies& copies) {
  File& copy = copies[file.get()];
  if (copy != nullptr) return copy;
  copy = std::make_shared<Inode>();
  if (how == Crash::kKill) {
    *copy = *file;
  } else {
    copy->cached = AfterPowerLoss(*file);
    copy->durable = copy->cached;
  }
  return copy;
}

// Nothing, everything, the beginning, or any of the sectors that were on their way.
std::string MemoryDisk::AfterPowerLoss(const Inode& file) {
  std::string bytes = file.durable;
  const auto keep = [&](std::size_t sector) {
    const std::size_t from = sector * kSector;
    const std::size_t to = std::min(from + kSector, file.cached.size());
    if (to <= from) return;
    if (bytes.size() < to) bytes.resize(to);
    bytes.replace(from, to - from, file.cached, from, to - from);
  };
  const std::uint64_t mode = random_() % 4;
  const std::size_t first = random_() % (file.dirty.size() + 1);
  std::size_t index = 0;
  for (const std::size_t sector : file.dirty) {
    const bool in_beginning = index++ < first;
    if (mode == 1 || (mode == 2 && in_beginning) || (mode == 3 && random_() % 2 == 0)) keep(sector);
  }
  return bytes;
}

void MemoryDisk::ArmCrash(Arming arming) {
  const std::lock_guard lock(mutex_);
  armed_ = true;
  arming_ = std::move(arming);
  arming_thread_ = std::this_thread::get_id();
  image_.reset();
}

bool MemoryDisk::has_crashed() const {
  const std::lock_guard lock(mutex_);
  return image_ != nullptr;
}

std::unique_ptr<MemoryDisk> MemoryDisk::TakeCrash() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  return std::move(image_);
}

// The caller holds mutex_. A write that is cut off may have happened in part, page by page.
void MemoryDisk::BeforeChange(const File& file, std::uint64_t offset, std::string_view bytes) {
  if (!armed_) return;
  if (arming_.this_thread_only && std::this_thread::get_id() != arming_thread_) return;
  if (arming_.operations-- > 0) return;
  armed_ = false;
  if (!bytes.empty() && random_() % 2 == 0) {
    const std::uint64_t end = (offset + random_() % bytes.size()) / kPage * kPage;
    if (end > offset) WriteLocked(*file, offset, bytes.substr(0, end - offset));
  }
  image_ = ImageLocked(arming_.how);
  if (arming_.at_crash) arming_.at_crash();
}

void MemoryDisk::ChangeNames(const std::string& directory, Change change) {
  Directory& names = directories_[directory];
  Apply(change, names.cached);
  names.pending.push_back(std::move(change));
}

MemoryDisk::File MemoryDisk::Find(const std::string& path) {
  const auto [directory, name] = Split(path);
  const std::lock_guard lock(mutex_);
  const auto& names = directories_[directory].cached;
  const auto found = names.find(name);
  return found == names.end() ? nullptr : found->second;
}

MemoryDisk::File MemoryDisk::Create(const std::string& path) {
  const auto [directory, name] = Split(path);
  const std::lock_guard lock(mutex_);
  BeforeChange(nullptr, 0, {});
  auto file = std::make_shared<Inode>();
  ChangeNames(directory, {{name, file}});
  return file;
}

bool MemoryDisk::Remove(const std::string& path) {
  const auto [directory, name] = Split(path);
  const std::lock_guard lock(mutex_);
  if (directories_[directory].cached.count(name) == 0) return false;
  BeforeChange(nullptr, 0, {});
  ChangeNames(directory, {{name, nullptr}});
  return true;
}

bool MemoryDisk::Rename(const std::string& from, const std::string& to) {
  const auto [directory, name] = Split(from);
  const auto [to_directory, to_name] = Split(to);
  const std::lock_guard lock(mutex_);
  const auto& names = directories_[directory].cached;
  const auto found = names.find(name);
  if (found == names.end() || directory != to_directory) return false;
  BeforeChange(nullptr, 0, {});
  ChangeNames(directory, {{to_name, found->second}, {name, nullptr}});
  return true;
}

void MemoryDisk::SyncDirectory(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  BeforeChange(nullptr, 0, {});
  Directory& names = directories_[directory];
  names.durable = names.cached;
  names.pending.clear();
}

std::vector<std::string> MemoryDisk::Children(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> children;
  for (const auto& [name, file] : directories_[directory].cached) children.push_back(name);
  return children;
}

std::uint64_t MemoryDisk::SizeOf(const File& file) {
  const std::lock_guard lock(mutex_);
  return file->cached.size();
}

std::string MemoryDisk::Read(const File& file, std::uint64_t offset, std::size_t count) {
  const std::lock_guard lock(mutex_);
  if (offset >= file->cached.size()) return {};
  return file->cached.substr(offset, count);
}

void MemoryDisk::WriteLocked(Inode& file, std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  if (file.cached.size() < offset + bytes.size()) file.cached.resize(offset + bytes.size());
  file.cached.replace(offset, bytes.size(), bytes);
  for (std::size_t s = offset / kSector; s <= (offset + bytes.size() - 1) / kSector; ++s) {
    file.dirty.insert(s);
  }
}

void MemoryDisk::Write(const File& file, std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  BeforeChange(file, offset, bytes);
  WriteLocked(*file, offset, bytes);
}

void MemoryDisk::Append(const File& file, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t offset = file->cached.size();
  BeforeChange(file, offset, bytes);
  WriteLocked(*file, offset, bytes);
}

void MemoryDisk::Truncate(const File& file, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  BeforeChange(nullptr, 0, {});
  file->cached.resize(size);
  file->dirty.insert(size / kSector);
}

void MemoryDisk::Sync(const File& file) {
  const std::lock_guard lock(mutex_);
  BeforeChange(nullptr, 0, {});
  for (const std::size_t sector : file->dirty) {
    const std::size_t from = sector * kSector;
    const std::size_t to = std::min(from + kSector, file->cached.size());
    if (to <= from) continue;
    if (file->durable.size() < to) file->durable.resize(to);
    file->durable.replace(from, to - from, file->cached, from, to - from);
  }
  file->durable.resize(file->cached.size());
  file->dirty.clear();
}

}  // namespace larder::testing
