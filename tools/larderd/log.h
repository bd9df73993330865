// Log: one line an event on stderr or in a file, as JSON or as text.
//
// Never a prompt, an answer's body, a credential or a query string: callers name what happened and
// where, and give figures.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "larder/options.h"
#include "larder/result.h"
#include "tool_config.h"

namespace spdlog {
class logger;
}

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
  // Whether Write() would write: for fields that cost something to make.
  bool Writes(LogLevel level) const;

 private:
  Log(std::shared_ptr<spdlog::logger> logger, tools::LogFormat format);

  // Constant after construction.
  std::shared_ptr<spdlog::logger> logger_;
  tools::LogFormat format_;
};

}  // namespace larder::gateway
