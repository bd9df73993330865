#include "auth/authenticating_service.h"

#include <utility>

#include "larder/client/credentials.h"

namespace larder::client {
namespace {

// A secret that is missing is no mistake of the caller's, and asking again does not help.
StatusCode CodeOf(const Status& applied) {
  const bool ours = applied.code() == StatusCode::kInvalidArgument ||
                    applied.code() == StatusCode::kNotFound ||
                    applied.code() == StatusCode::kDataLoss;
  return ours ? StatusCode::kInternal : applied.code();
}

Status NoCredential(const std::string& provider, const Status& applied) {
  return {CodeOf(applied), "no credential for provider " + provider + ": " + applied.message()};
}

}  // namespace

boost::asio::awaitable<Result<Response>> AuthenticatingService::Send(Request request) {
  // The service may go while this runs.
  const std::string provider = provider_;
  const std::shared_ptr<Authenticator> authenticator = authenticator_;
  const std::shared_ptr<HttpService> inner = inner_;
  RemoveCredentials(request.headers);
  request.target = WithoutCredentials(request.target);
  Request first = request;
  const Status applied = co_await authenticator->Apply(first);
  if (!applied.ok()) co_return NoCredential(provider, applied);
  const Headers sent = first.headers;
  Result<Response> response = co_await inner->Send(std::move(first));
  if (!response.ok() || !authenticator->MayCure(sent, response->head)) co_return response;
  const Status again = co_await authenticator->Apply(request);
  if (!again.ok()) co_return NoCredential(provider, again);
  if (request.headers == sent) co_return response;  // it would be refused once more
  co_return co_await inner->Send(std::move(request));
}

}  // namespace larder::client
