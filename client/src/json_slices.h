// Slices of JSON text: the parts of an object or an array as they stand there, so that what is
// taken from one text into another keeps its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace larder::client {

struct MemberSlice {
  std::string name;        // decoded
  std::string_view value;  // without blanks around it
};

// No API has as many in one object.
inline constexpr std::size_t kMostMembers = 4096;

// The members of the object `text`, which is JSON; empty if it is another value. Of more than
// `most`, only one more.
std::vector<MemberSlice> MembersOf(std::string_view text, std::size_t most = std::string::npos);

// The elements of the array `text`, likewise.
std::vector<std::string_view> ElementsOf(std::string_view text,
                                         std::size_t most = std::string::npos);

// The value of the member `name`, the last one if there are several; empty if there is none.
std::string_view FindSlice(const std::vector<MemberSlice>& members, std::string_view name);

// The same of the object `text`, without a list of all its members; more than kMostMembers are
// not looked at, for this is called where others wait.
std::string_view FindMemberText(std::string_view text, std::string_view name);

// What the JSON string `value` says; nullopt if it is another value. A tree is made of none, for a
// caller may put anything in the place of a name.
std::optional<std::string> ReadString(std::string_view value);

// An object's text from its members.
class ObjectWriter {
 public:
  // `value` is JSON text.
  void Add(std::string_view name, std::string_view value);
  std::string Take();

 private:
  std::string text_ = "{";
};

}  // namespace larder::client
