// SocketFolder: reaches a unix socket at a path of any length.
//
// A socket's address holds 107 bytes only. So the folder is opened, and the socket is named as
// /proc/self/fd/N/name, which is short whatever the folder is called.
#pragma once

#include <sys/types.h>

#include <string>

#include "larder/result.h"

namespace larder::admin {

class SocketFolder {
 public:
  // Opens the folder of `path`. Errors: kInvalidArgument (no such folder, or a name over 60 bytes).
  static Result<SocketFolder> Open(const std::string& path);
  SocketFolder(SocketFolder&& other) noexcept;
  SocketFolder& operator=(SocketFolder&&) = delete;
  ~SocketFolder();

  // Valid in this process while this lives.
  std::string address() const;

  // Whether a process listens there. Errors: kUnavailable (cannot tell, for example for want of
  // rights), kInvalidArgument (something else than a socket is there).
  Result<bool> IsServed() const;
  // Removes it if it is there.
  void Remove() const;
  // Tells this socket from one that another process puts in its place; 0 if there is none.
  ino_t Inode() const;

 private:
  SocketFolder(int folder, std::string name, std::string path)
      : folder_(folder), name_(std::move(name)), path_(std::move(path)) {}

  int folder_ = -1;
  std::string name_;
  std::string path_;
};

}  // namespace larder::admin
