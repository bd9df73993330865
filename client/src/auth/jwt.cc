#include "auth/jwt.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

namespace larder::client {
namespace {

using nlohmann::ordered_json;

constexpr auto kAheadOfUs = std::chrono::seconds(30);
constexpr auto kLifetime = std::chrono::hours(1);  // the longest that Google takes

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

std::int64_t Seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// Without a passphrase: nobody can be asked for one.
int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string Base64Url(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j <= count; ++j) text += kDigits[group >> (18 - 6 * j) & 63];
  }
  return text;
}

Result<std::string> SignRs256(std::string_view text, const SecretText& key) {
  const std::string_view pem = key.Reveal();
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pkey(
      in == nullptr ? nullptr : PEM_read_bio_PrivateKey(in.get(), nullptr, NoPassphrase, nullptr),
      &EVP_PKEY_free);
  if (pkey == nullptr || EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_RSA) {
    return Invalid("private_key is no RSA key in PEM");
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  std::string signature;
  bool ok = context != nullptr &&
            EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, pkey.get()) == 1;
  ok = ok && EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  signature.resize(size);
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                            &size, bytes, text.size()) == 1;
  if (!ok) return Invalid("private_key cannot sign");
  signature.resize(size);
  return Base64Url(signature);
}

Result<ServiceAccount> ParseServiceAccount(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Invalid("the service account is no JSON object");
  for (const char* name : {"client_email", "private_key", "token_uri"}) {
    if (!json.contains(name) || !json[name].is_string()) {
      return Invalid(std::string("the service account has no ") + name);
    }
  }
  ServiceAccount account;
  account.client_email = json["client_email"].get<std::string>();
  account.private_key = SecretText(json["private_key"].get_ref<const std::string&>());
  account.token_uri = json["token_uri"].get<std::string>();
  if (json.contains("private_key_id") && json["private_key_id"].is_string()) {
    account.private_key_id = json["private_key_id"].get<std::string>();
  }
  return account;
}

Result<std::string> MakeAssertion(const ServiceAccount& account, std::string_view scope,
                                  TimePoint now) {
  ordered_json header = {{"alg", "RS256"}, {"typ", "JWT"}};
  if (!account.private_key_id.empty()) header["kid"] = account.private_key_id;
  const TimePoint from = now - kAheadOfUs;
  const ordered_json claims = {{"iss", account.client_email},
                               {"scope", scope},
                               {"aud", account.token_uri},
                               {"iat", Seconds(from)},
                               {"exp", Seconds(from + kLifetime)}};
  const auto replace = ordered_json::error_handler_t::replace;
  const std::string text = Base64Url(header.dump(-1, ' ', false, replace)) + "." +
                           Base64Url(claims.dump(-1, ' ', false, replace));
  Result<std::string> signature = SignRs256(text, account.private_key);
  if (!signature.ok()) return signature.status();
  return text + "." + *signature;
}

}  // namespace larder::client
