#include "auth/client_certificate_service.h"

#include <algorithm>
#include <utility>

#include "auth/pool_work.h"
#include "curl_tls.h"
#include "private_file.h"

namespace larder::client {
namespace {

constexpr std::size_t kMostCertificateBytes = 256 << 10;

Result<ClientIdentity> ReadIdentity(const TlsConfig& tls) {
  Result<std::string> certificate = ReadWholeFile(tls.client_certificate, kMostCertificateBytes);
  if (!certificate.ok()) return certificate.status().WithContext("tls.client_certificate");
  Result<SecretText> key = tls.client_key->Resolve();
  if (!key.ok()) return key.status().WithContext("tls.client_key");
  return ClientIdentity{SecretText::Take(*certificate), *std::move(key)};
}

}  // namespace

boost::asio::awaitable<Result<Response>> ClientCertificateService::Send(Request request) {
  // The service may go while this runs.
  const std::shared_ptr<HttpService> inner = inner_;
  const std::shared_ptr<CredentialNumber> number = number_;
  const std::string provider = provider_;
  const auto read = [tls = tls_] { return ReadIdentity(tls); };
  Result<ClientIdentity> identity = co_await RunWithin(io_, pool_, read);
  if (!identity.ok()) {
    const Status& why = identity.status();
    const bool ours =
        why.code() != StatusCode::kCancelled && why.code() != StatusCode::kDeadlineExceeded;
    co_return Status(ours ? StatusCode::kInternal : why.code(),
                     "no certificate for provider " + provider + ": " + why.message());
  }
  // A certificate without its key is of no use, so it alone tells versions apart.
  request.credential = std::max(request.credential, number->Of(identity->certificate.Reveal()));
  request.identity = std::make_shared<const ClientIdentity>(*std::move(identity));
  co_return co_await inner->Send(std::move(request));
}

}  // namespace larder::client
