// Log: one line an event on stderr or in a file, as JSON or as text.
//
// Never a prompt, an answer's body, a credential or a query string: callers name what happened and
// where, and give figures.
#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "larder/options.h"
#include "larder/result.h"
#include "tool_config.h"

namespace spdlog {
class logger;
namespace sinks {
template <typename Mutex>
class dist_sink;
}
}  // namespace spdlog

namespace larder::gateway {

struct LogField {
  std::string_view name;
  std::string value;
};

// Thread-safe.
class Log {
 public:
  // Errors: kInvalidArgument (the file cannot be opened for writing).
  static Result<std::unique_ptr<Log>> Open(const tools::LoggingConfig& config);
  ~Log();

  void Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
  // From the next line on.
  void SetLevel(LogLevel level);
  // From the next line on in a new file, where the one so far was moved away. If it cannot be
  // opened, the log stays in the old one, and says so there.
  void Reopen();
  // Whether Write() would write: for fields that cost something to make.
  bool Writes(LogLevel level) const;

 private:
  using Sink = spdlog::sinks::dist_sink<std::mutex>;
  Log(std::shared_ptr<Sink> sink, const tools::LoggingConfig& config);

  // Constant after construction.
  const std::shared_ptr<Sink> sink_;
  const std::shared_ptr<spdlog::logger> logger_;
  const tools::LogFormat format_;
  const std::optional<std::string> file_;
};

}  // namespace larder::gateway
