#include "body_fields.h"

#include <cstddef>
#include <utility>
#include <vector>

namespace larder::client {
namespace {

using nlohmann::json;

// What the parser finds, one thing after the other.
class Reader final : public nlohmann::json_sax<json> {
 public:
  explicit Reader(BodyFields& fields) : fields_(fields) {}

  bool null() override { return Scalar(nullptr); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(number_integer_t value) override { return Scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return Scalar(value); }
  bool string(string_t& value) override { return Scalar(value); }
  bool binary(binary_t&) override { return Scalar(nullptr); }

  bool start_object(std::size_t) override {
    const bool root = depth_++ == 0;
    if (root || wanted_) ends_.push_back(name_.size());
    wanted_ = false;
    return true;
  }
  bool key(string_t& key) override {
    if (depth_ != ends_.size()) return true;
    name_.resize(ends_.back());
    if (ends_.size() > 1) name_ += '.';
    name_ += key;
    // A dot in a name of the body is none between two.
    wanted_ = key.find('.') == key.npos && Forget();
    return true;
  }
  bool end_object() override {
    if (depth_-- == ends_.size()) ends_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    wanted_ = false;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool Scalar(json value) {
    if (wanted_) {
      const auto field = fields_.find(name_);
      if (field != fields_.end()) field->second = std::move(value);
    }
    wanted_ = false;
    return true;
  }

  // Forgets what an earlier value of this name said. False: nobody asks for it, nor for what is
  // in it.
  bool Forget() {
    bool any = false;
    for (auto& [name, value] : fields_) {
      const bool within = name.size() > name_.size() && name[name_.size()] == '.';
      if (!name.starts_with(name_) || (name.size() != name_.size() && !within)) continue;
      value = nullptr;
      any = true;
    }
    return any;
  }

  BodyFields& fields_;
  std::size_t depth_ = 0;  // arrays and objects that are open
  // Those of them, from the root on, that are objects on the way to a field: where each one's own
  // name ends in `name_`.
  std::vector<std::size_t> ends_;
  std::string name_;
  bool wanted_ = false;  // the next value is that of `name_`, which leads to a field
};

}  // namespace

void ReadBodyFields(std::string_view body, BodyFields& fields) {
  Reader reader(fields);
  if (json::sax_parse(body, &reader)) return;
  for (auto& [name, value] : fields) value = nullptr;
}

}  // namespace larder::client
