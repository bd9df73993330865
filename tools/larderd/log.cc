#include "log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

namespace larder::gateway {
namespace {

using Json = nlohmann::ordered_json;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  return "error";
}

// RFC 3339, UTC, milliseconds.
std::string Timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + ms.count() % 1000);
  return std::string(text, size) + "." + fraction.substr(1) + "Z";
}

std::string AsJson(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  Json line;
  line["time"] = Timestamp();
  line["level"] = Name(level);
  line["event"] = event;
  for (const LogField& field : fields) line[std::string(field.name)] = field.value;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string AsText(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = Timestamp() + " " + std::string(Name(level)) + " " + std::string(event);
  for (const LogField& field : fields) {
    line += " " + std::string(field.name) + "=";
    // Quoted and escaped as JSON is: one event stays one line.
    line += Json(field.value).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return line;
}

// Throws if it cannot be written to.
spdlog::sink_ptr OpenSink(const std::optional<std::string>& file) {
  spdlog::sink_ptr sink;
  if (file) {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(*file);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  sink->set_pattern("%v");
  return sink;
}

}  // namespace

Result<std::unique_ptr<Log>> Log::Open(const tools::LoggingConfig& config) {
  auto sink = std::make_shared<Sink>();
  try {
    sink->set_sinks({OpenSink(config.file)});
  } catch (const spdlog::spdlog_ex& error) {
    return Status(StatusCode::kInvalidArgument,
                  "logging.file: cannot write to `" + config.file.value_or("") + "`");
  }
  return std::unique_ptr<Log>(new Log(std::move(sink), config));
}

Log::Log(std::shared_ptr<Sink> sink, const tools::LoggingConfig& config)
    : sink_(std::move(sink)),
      logger_(std::make_shared<spdlog::logger>("larderd", sink_)),
      format_(config.format),
      file_(config.file) {
  logger_->set_level(ToSpdlog(config.level));
  logger_->flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::SetLevel(LogLevel level) { logger_->set_level(ToSpdlog(level)); }

void Log::Reopen() {
  if (!file_) return;
  try {
    sink_->set_sinks({OpenSink(file_)});
  } catch (const spdlog::spdlog_ex& error) {
    Write(LogLevel::kError, "log file cannot be opened anew", {{"why", error.what()}});
  }
}

bool Log::Writes(LogLevel level) const { return logger_->should_log(ToSpdlog(level)); }

void Log::Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!Writes(level)) return;
  const std::string line = format_ == tools::LogFormat::kJson ? AsJson(level, event, fields)
                                                              : AsText(level, event, fields);
  logger_->log(ToSpdlog(level), line);
}

}  // namespace larder::gateway
