// SecretText: the bytes of a secret, and the only type that holds them for longer than a call.
//
// Kept in pages that are locked into memory, left out of core dumps and wiped at the end, as far as
// the platform lets us. It has no operator<< and no conversion, so that printing or logging it does
// not compile; copying is a word that must be written; comparing takes the same time whatever
// differs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace larder::client {

// Not thread-safe; reading by several threads is.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view bytes);
  // Takes the bytes over: `bytes` is wiped and empty afterwards.
  static SecretText Take(std::string& bytes);
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText();

  SecretText Copy() const { return SecretText(Reveal()); }
  // Valid as long as this is. For the one place that needs the bytes; never for a message.
  std::string_view Reveal() const { return {bytes_, size_}; }
  bool empty() const { return size_ == 0; }
  // In a time that depends on the lengths only.
  bool Matches(std::string_view other) const;
  friend bool operator==(const SecretText&, const SecretText&) = delete;

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites what a string held, for copies that could not be avoided, and empties it.
void WipeText(std::string& bytes);

}  // namespace larder::client
