#include "larder/client/secret_text.h"

#include <sodium.h>

#include <cstring>
#include <new>
#include <utility>

namespace larder::client {
namespace {

// Between guard pages, locked, out of core dumps. Where the system grants no locked memory (a small
// RLIMIT_MEMLOCK) the rest still holds.
char* Allocate(std::size_t size) {
  static const bool ready = sodium_init() >= 0;
  void* bytes = ready ? sodium_malloc(size) : nullptr;
  if (bytes == nullptr) throw std::bad_alloc();
  return static_cast<char*>(bytes);
}

}  // namespace

SecretText::SecretText(std::string_view bytes) : size_(bytes.size()) {
  if (bytes.empty()) return;
  bytes_ = Allocate(size_);
  std::memcpy(bytes_, bytes.data(), size_);
}

SecretText SecretText::Take(std::string& bytes) {
  SecretText taken(bytes);
  WipeText(bytes);
  return taken;
}

SecretText::SecretText(SecretText&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

SecretText::~SecretText() { sodium_free(bytes_); }  // wipes

bool SecretText::Matches(std::string_view other) const {
  return size_ == other.size() && sodium_memcmp(bytes_, other.data(), size_) == 0;
}

void WipeText(std::string& bytes) {
  bytes.resize(bytes.capacity());
  sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace larder::client
