// Two steps: a tree that was checked (canonical_tree.h), then its pieces copied out in order. So
// the work is linear, whatever the nesting, and no string is copied more than once.
#include "canonical_json.h"

#include <algorithm>
#include <cstdint>

#include "canonical_tree.h"

namespace larder::client {
namespace {

using Kind = CanonicalTree::Kind;

void Write(const CanonicalTree& tree, std::uint32_t at, std::string& out) {
  const CanonicalTree::Node& node = tree.nodes[at];
  if (node.kind == Kind::kText) {
    out.append(node.text, node.size);
    return;
  }
  const bool object = node.kind == Kind::kObject;
  out += object ? '{' : '[';
  const std::size_t begin = out.size();
  tree.ForMembers(at, [&](std::uint32_t member) {
    const CanonicalTree::Node& one = tree.nodes[member];
    if (out.size() > begin) out += ',';
    const char* const colon = one.literal + one.literal_size;
    if (object && one.kind == Kind::kText && one.text == colon + 1 && *colon == ':') {
      out.append(one.literal, one.literal_size + 1 + one.size);  // side by side in the input
      return;
    }
    if (object) {
      out.append(one.literal, one.literal_size);
      out += ':';
    }
    Write(tree, member, out);
  });
  out += object ? '}' : ']';
}

}  // namespace

std::optional<std::string_view> CanonicalObject::Find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return ValueOf(member);
  }
  return std::nullopt;
}

Result<CanonicalObject> CanonicalizeObject(std::string_view body,
                                           std::span<const std::string_view> leave_out) {
  CanonicalTree tree;
  if (Status status = ReadCanonicalTree(body, tree); !status.ok()) return status;
  if (tree.nodes.front().kind != Kind::kObject) {
    return Status(StatusCode::kInvalidArgument, "not a JSON object");
  }
  CanonicalObject object;
  object.text.reserve(body.size());
  object.text += '{';
  tree.ForMembers(0, [&](std::uint32_t at) {
    const CanonicalTree::Node& member = tree.nodes[at];
    const std::string_view name = tree.NameOf(member);
    const bool kept = std::find(leave_out.begin(), leave_out.end(), name) == leave_out.end();
    std::string& out = kept ? object.text : object.left_out_text;
    if (!kept) object.left_out.emplace_back(name);
    if (kept) {
      if (out.size() > 1) out += ',';
      out.append(member.literal, member.literal_size);
      out += ':';
    }
    const std::size_t offset = out.size();
    Write(tree, at, out);
    object.members.push_back({std::string(name), offset, out.size() - offset, kept});
  });
  object.text += '}';
  return object;
}

Result<std::string> CanonicalizeValue(std::string_view text) {
  CanonicalTree tree;
  if (Status status = ReadCanonicalTree(text, tree); !status.ok()) return status;
  std::string out;
  out.reserve(text.size());
  Write(tree, 0, out);
  return out;
}

}  // namespace larder::client
