// CredentialNumber: tells a secret that changed from one that did not, without showing it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "larder/client/secret_text.h"

namespace larder::client {

// Used on one thread.
class CredentialNumber {
 public:
  // A number that is the same for as long as `secret` is, and otherwise greater than all that were
  // given out before, by any.
  std::uint64_t Of(std::string_view secret) {
    if (number_ != 0 && secret_.Matches(secret)) return number_;
    static std::atomic<std::uint64_t> last{0};
    secret_ = SecretText(secret);
    number_ = ++last;
    return number_;
  }

 private:
  SecretText secret_;
  std::uint64_t number_ = 0;
};

}  // namespace larder::client
