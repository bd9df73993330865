// RequestFile: a request from a file, as the gateway would have it from a caller.
#pragma once

#include "invocation.h"
#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/result.h"
#include "tool_config.h"

namespace larder::cachectl {

struct RequestFile {
  tools::ToolConfig config;
  client::ProviderConfig provider;  // that it goes to
  client::Request request;
};

// What the flags below say of a request whose body is elsewhere. Its Larder-... headers are both
// read and left where they are, so that it may be sent.
Result<RequestFile> ReadUsualRequest(const Invocation& invocation);

// `file` - is stdin; --method, --path, --provider, --namespace, --sample, --header and
// --credential-from-env say what it does not. Without --method it is a POST, or, to a provider of
// the dialect "http", with nothing in it, a GET. Errors: kInvalidArgument.
Result<RequestFile> ReadRequestFile(const Invocation& invocation, const std::string& file);

}  // namespace larder::cachectl
