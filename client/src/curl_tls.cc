#include "curl_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace larder::client {
namespace {

// The certificate's chain ends at nobody whom we trust.
bool IsUnknownAuthority(long verified) {
  const long codes[] = {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                        X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE};
  return std::ranges::find(codes, verified) != std::end(codes);
}

std::string DescribeRefusal(long verified, std::string_view name) {
  // The chain was not at fault.
  if (verified == X509_V_OK || verified == X509_V_ERR_UNSPECIFIED) {
    return "upstream's certificate is for another name than `" + std::string(name) +
           "`; tls.server_name says which it must be for";
  }
  std::string text = "upstream's certificate is refused: ";
  text += X509_verify_cert_error_string(verified);
  if (IsUnknownAuthority(verified)) text += "; tls.ca_file names the authorities to trust";
  if (verified == X509_V_ERR_UNABLE_TO_GET_CRL) {
    text += "; tls.crl_file must have a list of each authority of the chain";
  }
  return text;
}

// OpenSSL's reason out of "...: error:0A000410:SSL routines::sslv3 alert handshake failure, ...".
std::string_view Reason(std::string_view detail) {
  constexpr std::string_view kMark = "SSL routines::";
  const std::size_t mark = detail.find(kMark);
  if (mark == detail.npos) return {};
  const std::string_view reason = detail.substr(mark + kMark.size());
  return reason.substr(0, reason.find(','));
}

std::string DescribeHandshake(std::string_view reason, bool missed_certificate) {
  std::string text = "TLS with the upstream failed";
  if (!reason.empty()) text += ": " + std::string(reason);
  if (reason.find("protocol") != reason.npos) text += "; TLS 1.2 or later is needed";
  if (missed_certificate) {
    text += reason.empty() ? ": " : "; ";
    text += "it asked for a certificate of ours and got none: tls.client_certificate names it";
  }
  return text;
}

// OpenSSL keeps a MissedCertificate with each context, and frees it with that.
int MissedCertificateIndex() {
  const auto release = [](void*, void* missed, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<MissedCertificate*>(missed);
  };
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, release);
  return index;
}

// Called when there is no certificate to give; the handshake goes on without one.
int OnCertificateWanted(SSL* ssl, X509**, EVP_PKEY**) {
  const auto* missed = static_cast<const MissedCertificate*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), MissedCertificateIndex()));
  if (missed != nullptr) **missed = true;
  return 0;
}

CURLcode OnTlsContext(CURL*, void* context, void* missed) {
  auto* tls = static_cast<SSL_CTX*>(context);
  auto copy = std::make_unique<MissedCertificate>(*static_cast<MissedCertificate*>(missed));
  if (SSL_CTX_set_ex_data(tls, MissedCertificateIndex(), copy.get()) != 1) {
    return CURLE_OUT_OF_MEMORY;
  }
  static_cast<void>(copy.release());
  SSL_CTX_set_client_cert_cb(tls, &OnCertificateWanted);
  return CURLE_OK;
}

void SetBlob(CURL* easy, CURLoption option, const SecretText& text) {
  curl_blob blob{const_cast<char*>(text.Reveal().data()), text.Reveal().size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, option, &blob);
}

}  // namespace

Status CheckTlsFiles(const TlsConfig& tls) {
  const std::pair<const char*, const std::string&> files[] = {
      {"tls.ca_file", tls.ca_file},
      {"tls.crl_file", tls.crl_file},
      {"tls.client_certificate", tls.client_certificate}};
  for (const auto& [key, path] : files) {
    if (path.empty() || ::access(path.c_str(), R_OK) == 0) continue;
    return {StatusCode::kInvalidArgument,
            std::string(key) + ": cannot read `" + path + "`: " + std::strerror(errno)};
  }
  return Status::Ok();
}

void PrepareTls(CURL* easy, const TlsConfig& tls, const ClientIdentity* identity,
                MissedCertificate& missed) {
  missed = std::make_shared<bool>(false);
  // Where libcurl is built on another library it refuses these two, and less is known.
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &missed);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!tls.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // these, and not the system's besides
  }
  if (!tls.crl_file.empty()) curl_easy_setopt(easy, CURLOPT_CRLFILE, tls.crl_file.c_str());
  if (identity != nullptr) {
    SetBlob(easy, CURLOPT_SSLCERT_BLOB, identity->certificate);
    SetBlob(easy, CURLOPT_SSLKEY_BLOB, identity->key);
  }
}

std::optional<std::string> DescribeTlsError(CURL* easy, const TlsFailure& failure) {
  const std::string_view reason = Reason(failure.detail);
  switch (failure.code) {
    case CURLE_PEER_FAILED_VERIFICATION: {
      long verified = X509_V_OK;
      curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
      return DescribeRefusal(verified, failure.name);
    }
    case CURLE_SSL_CACERT_BADFILE: return "tls.ca_file holds no certificates in PEM";
    case CURLE_SSL_CRL_BADFILE: return "tls.crl_file holds no lists of revoked certificates in PEM";
    case CURLE_SSL_CERTPROBLEM:
      return "tls.client_certificate and tls.client_key are no certificate and its key in PEM";
    case CURLE_SSL_CONNECT_ERROR: return DescribeHandshake(reason, failure.missed_certificate);
    // With TLS 1.3 our handshake is over when a server finds that it misses a certificate: what
    // breaks then may be the sending, with nothing said, or its alert is read in place of an
    // answer.
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      if (reason.empty() && !failure.missed_certificate) return std::nullopt;
      return DescribeHandshake(reason, failure.missed_certificate);
    default: return std::nullopt;
  }
}

}  // namespace larder::client
