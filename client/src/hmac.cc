#include "hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>
#include <string>
#include <utility>

#include "key_parts.h"

namespace larder::client {
namespace {

using MacContext = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

class KeyedContext {
 public:
  KeyedContext() = default;
  ~KeyedContext() { OPENSSL_cleanse(key_.data(), key_.size()); }
  KeyedContext(const KeyedContext&) = delete;
  KeyedContext& operator=(const KeyedContext&) = delete;

  // Ready for a text.
  EVP_MAC_CTX* With(std::string_view key) {
    if (context_ != nullptr && key == key_) {
      Require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
      return context_.get();
    }
    // Looked up once; never freed.
    static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    Require(hmac != nullptr);
    MacContext fresh(EVP_MAC_CTX_new(hmac), &EVP_MAC_CTX_free);
    Require(fresh != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    // A null key would mean the one before.
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.empty() ? "" : key.data());
    Require(EVP_MAC_init(fresh.get(), bytes, key.size(), parameters) == 1);
    OPENSSL_cleanse(key_.data(), key_.size());
    key_ = key;
    context_ = std::move(fresh);
    return context_.get();
  }

 private:
  MacContext context_{nullptr, &EVP_MAC_CTX_free};
  std::string key_;
};

}  // namespace

Mac HmacSha256(std::string_view key, std::string_view text) {
  thread_local KeyedContext keyed;
  EVP_MAC_CTX* const context = keyed.With(key);
  Mac mac;
  std::size_t size = 0;
  Require(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()),
                         text.size()) == 1);
  Require(EVP_MAC_final(context, mac.data(), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

}  // namespace larder::client
