// RecordingIndex: finds the recorded answer that a request asks for.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "recorded.h"

namespace larder::testing {

struct Recording {
  std::string name;  // "chat_completions.json/12"
  RecordedExchange exchange;
  // What each flush of the answer sends: whole events of a stream, or all of a JSON answer.
  std::vector<std::string> pieces;
  // As the answer's usage says; where it says nothing, a quarter of its bytes.
  std::size_t tokens = 0;
};

// Thread-safe.
class RecordingIndex {
 public:
  explicit RecordingIndex(const std::vector<std::string>& files);

  // By name, or nullptr.
  const Recording* Find(std::string_view name) const;
  // By endpoint and body, or nullptr. Several recordings of one request take turns.
  const Recording* Match(std::string_view path, const std::string& body);

 private:
  struct Turns {
    std::string file;
    std::vector<const Recording*> recordings;
    std::size_t next = 0;
  };

  // Constant after construction.
  std::map<std::string, Recording, std::less<>> by_name_;
  std::mutex mutex_;
  std::map<std::string, Turns> by_request_;  // guarded by mutex_
};

}  // namespace larder::testing
