#include "config_json.h"

#include <iterator>
#include <utility>
#include <vector>

#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

// Counts lines as the parser reads, so that every name knows where it stands. The count lives
// outside, because the parser copies its iterators.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineCounter(const char* at, int* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  LineCounter& operator++() {
    if (*at_++ == '\n') ++*line_;
    return *this;
  }
  bool operator==(const LineCounter& other) const { return at_ == other.at_; }
  bool operator!=(const LineCounter& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  int* line_;
};

// "unexpected '}'; expected string literal" out of the library's message: without its prefix, and
// without the text that it read last, which may be a secret in the wrong place.
std::string Complaint(std::string message) {
  if (const auto at = message.find(" - "); at != message.npos) message.erase(0, at + 3);
  if (const auto at = message.find("; last read: '"); at != message.npos) {
    const auto expected = message.rfind("; expected ");
    message.erase(at, expected == message.npos || expected < at ? message.npos : expected - at);
  }
  return message;
}

// Builds the document; stops at the first thing that is wrong.
class Builder {
 public:
  Builder(std::string_view text, std::string name, const int* line)
      : text_(text), name_(std::move(name)), line_(line) {}

  bool null() { return Add(nullptr); }
  bool boolean(bool value) { return Add(value); }
  bool number_integer(ConfigJson::number_integer_t value) { return Add(value); }
  bool number_unsigned(ConfigJson::number_unsigned_t value) { return Add(value); }
  bool number_float(ConfigJson::number_float_t value, const std::string&) { return Add(value); }
  bool string(std::string& value) { return Add(std::move(value)); }
  bool binary(ConfigJson::binary_t&) { return false; }

  bool start_object(std::size_t) { return Open(ConfigJson::object()); }
  bool start_array(std::size_t) { return Open(ConfigJson::array()); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }

  bool key(std::string& name) {
    path_.push_back(name);
    if (open_.back()->contains(name)) {
      return Refuse(name_ + ":" + std::to_string(*line_) + ": " + ToPointer(path_) +
                    ": occurs twice; allowed: once");
    }
    lines_[ToPointer(path_)] = *line_;
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
    int line = 1;
    std::size_t column = 0;
    for (std::size_t i = 0; i + 1 < position && i < text_.size(); ++i) {
      ++column;
      if (text_[i] == '\n') {
        ++line;
        column = 0;
      }
    }
    return Refuse(name_ + ":" + std::to_string(line) + ":" + std::to_string(column + 1) +
                  ": not JSON: " + Complaint(e.what()));
  }

  Result<ConfigText> Take() && {
    if (!error_.empty()) return Status(StatusCode::kInvalidArgument, std::move(error_));
    return ConfigText{std::move(root_), std::move(lines_)};
  }

 private:
  // Deeper than any configuration, shallow enough for whoever walks the document.
  static constexpr std::size_t kMaxDepth = 16;

  bool Refuse(std::string message) {
    error_ = std::move(message);
    return false;
  }

  bool Add(ConfigJson value) {
    if (open_.empty()) {
      return Refuse(name_ + ":" + std::to_string(*line_) + ": found " + value.type_name() +
                    "; allowed: an object");
    }
    Insert(std::move(value));
    if (open_.back()->is_object()) path_.pop_back();
    return true;
  }

  ConfigJson* Insert(ConfigJson value) {
    ConfigJson& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  bool Open(ConfigJson value) {
    if (open_.size() == kMaxDepth) {
      return Refuse(name_ + ":" + std::to_string(*line_) + ": nested deeper than " +
                    std::to_string(kMaxDepth) + " levels");
    }
    if (!open_.empty()) {
      if (open_.back()->is_array()) path_.push_back(std::to_string(open_.back()->size()));
      open_.push_back(Insert(std::move(value)));
      return true;
    }
    if (!value.is_object()) return Add(std::move(value));
    root_ = std::move(value);
    open_.push_back(&root_);
    return true;
  }

  bool Close() {
    open_.pop_back();
    if (!open_.empty()) path_.pop_back();
    return true;
  }

  const std::string_view text_;
  const std::string name_;
  const int* const line_;
  ConfigJson root_;
  std::map<std::string, int> lines_;
  std::vector<ConfigJson*> open_;  // from the root to where values are added
  ConfigPath path_;                // names and indexes of what is open
  std::string key_;
  std::string error_;
};

}  // namespace

Result<ConfigText> ParseConfigText(std::string_view text, const std::string& name) {
  int line = 1;
  Builder builder(text, name, &line);
  const char* const end = text.data() + text.size();
  // What goes wrong is told to the builder, whose own answer decides.
  (void)ConfigJson::sax_parse(LineCounter(text.data(), &line), LineCounter(end, &line), &builder);
  return std::move(builder).Take();
}

}  // namespace larder::client
