#include "error_answer.h"

namespace larder::gateway {

int ToHttpStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return 200;
    case StatusCode::kInvalidArgument: return 400;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kResourceExhausted: return 503;
    case StatusCode::kDeadlineExceeded: return 504;
    case StatusCode::kCancelled:
    case StatusCode::kDataLoss:
    case StatusCode::kUnavailable: return 502;
    case StatusCode::kInternal: return 500;
  }
  return 500;
}

AnswerHead ErrorHead(int status) {
  AnswerHead head{status, {{"content-type", "application/json"}}};
  // Overload passes; anything else stays as it is however often it is tried.
  if (status == 503)
    head.headers.Add("retry-after", "1");
  else
    head.headers.Add("x-should-retry", "false");
  return head;
}

}  // namespace larder::gateway
