#include "directory_check.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "human_units.h"
#include "larder/formats.h"
#include "lock_holder.h"

namespace larder::cachectl {
namespace {

namespace fs = std::filesystem;

// The engine stops storing when less is free, until there is more again (docs/operations.md).
constexpr std::uint64_t kReserveBytes = std::uint64_t{96} << 20;
// RocksDB's, a file of the store each, and our own.
constexpr std::uint64_t kSpareFiles = 64;

std::string ModeText(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof(text), "%04o", mode & 07777U);
  return text;
}

// Answers and the secret are for their owner.
void CheckMode(const std::string& path, const char* subject, const char* right,
               Findings& findings) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return;
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  findings.push_back(
      {subject,
       path + " has mode " + ModeText(found.st_mode) + ": others than its owner can get at it",
       std::string("chmod ") + right + " " + path, tools::kExitNotFound});
}

bool CheckPresence(const std::string& directory, Findings& findings) {
  struct stat found {};
  if (::stat((directory + "/store").c_str(), &found) != 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    findings.push_back({"directory",
                        absent ? directory + " is not a cache: it has no store"
                               : directory + ": " + std::strerror(errno),
                        absent ? "name the cache by --dir or cache.directory; one is made by the "
                                 "program that uses it first"
                               : "run this as the user who owns the cache",
                        tools::kExitUnreachable});
    return false;
  }
  if (::stat(directory.c_str(), &found) != 0) return false;
  if (found.st_uid != ::geteuid() && ::geteuid() != 0) {
    findings.push_back({"directory", directory + " belongs to user " + std::to_string(found.st_uid),
                        "run this as that user", tools::kExitUnreachable});
    return false;
  }
  findings.push_back({"directory", directory + ", mode " + ModeText(found.st_mode)});
  return true;
}

void CheckModes(const std::string& directory, Findings& findings) {
  CheckMode(directory, "directory", "700", findings);
  CheckMode(directory + "/state", "secret", "600", findings);
  CheckMode(directory + "/admin.sock", "socket", "600", findings);
}

bool CheckFormats(const std::string& directory, Findings& findings) {
  const Result<std::vector<FileFormat>> formats = ReadFormats(directory);
  if (!formats.ok()) {
    findings.push_back({"formats", formats.status().message(),
                        "see to it that this user may read the cache", tools::kExitUnreachable});
    return false;
  }
  bool readable = true;
  std::string versions;
  for (const FileFormat& format : *formats) {
    const std::string version = std::to_string(format.version);
    if (format.version > format.newest) {
      findings.push_back({"formats",
                          format.file + " has version " + version + "; this build reads up to " +
                              std::to_string(format.newest),
                          "use the version of larder that wrote it, or a later one",
                          tools::kExitCorrupt});
      readable = false;
    } else if (format.version == 0) {
      findings.push_back({"formats", format.file + " is damaged: it does not begin as one",
                          "restore a backup; or open the cache all the same: damaged invalidations "
                          "make every entry a miss, a damaged state gives a new identity",
                          tools::kExitCorrupt});
      readable = false;
    } else if (!format.file.starts_with("dict/")) {
      versions += (versions.empty() ? "" : ", ") + format.file + " " + version;
    }
  }
  if (readable) findings.push_back({"formats", versions});
  return readable;
}

void CheckHolder(const std::string& directory, Findings& findings) {
  const std::optional<LockHolder> holder = FindLockHolder(directory);
  if (!holder) return findings.push_back({"holder", "no process has it open"});
  findings.push_back(
      {"holder", "process " + std::to_string(holder->pid) + " (" + holder->name + ") has it open"});
  if (!holder->max_files) return;
  std::error_code error;
  std::uint64_t files = kSpareFiles;
  for (fs::directory_iterator it(directory + "/store", error), end; !error && it != end;
       it.increment(error)) {
    ++files;
  }
  if (files <= *holder->max_files) return;
  findings.push_back({"files",
                      "the store needs about " + std::to_string(files) +
                          " open files; its process may have " + std::to_string(*holder->max_files),
                      "raise `ulimit -n` of that process", tools::kExitNotFound});
}

void CheckQuarantine(const std::string& directory, Findings& findings) {
  struct stat found {};
  const std::string path = directory + "/quarantine";
  if (::stat(path.c_str(), &found) != 0) return;
  findings.push_back({"quarantine",
                      "a store that could not be read was moved to " + path + " at " +
                          ShowDate(std::int64_t{found.st_mtime} * 1000),
                      "look at the disk and its logs, then delete that folder: it counts in the "
                      "budget",
                      tools::kExitCorrupt});
}

}  // namespace

bool CheckDirectory(const std::string& directory, Findings& findings) {
  if (!CheckPresence(directory, findings)) return false;
  CheckModes(directory, findings);
  CheckHolder(directory, findings);
  CheckQuarantine(directory, findings);
  return CheckFormats(directory, findings);
}

void CheckSpace(const std::string& directory, std::uint64_t used_bytes,
                std::optional<std::uint64_t> max_disk_bytes, Findings& findings) {
  struct statvfs volume {};
  if (::statvfs(directory.c_str(), &volume) != 0) return;
  const std::uint64_t free = std::uint64_t{volume.f_bavail} * volume.f_frsize;
  const std::string have = ShowBytes(free) + " free on the volume";
  if (free < kReserveBytes) {
    findings.push_back({"disk",
                        have + ": the cache stops storing under " + ShowBytes(kReserveBytes),
                        "make room; it resumes by itself", tools::kExitFailed});
    return;
  }
  if (!max_disk_bytes) return findings.push_back({"disk", have});
  const std::uint64_t growth = *max_disk_bytes > used_bytes ? *max_disk_bytes - used_bytes : 0;
  const std::string budget =
      have + "; " + ShowBytes(used_bytes) + " used of at most " + ShowBytes(*max_disk_bytes);
  if (used_bytes > *max_disk_bytes) {
    findings.push_back({"disk", budget,
                        "raise cache.max_disk_bytes, or wait for the cache to "
                        "shrink to it",
                        tools::kExitNotFound});
  } else if (free < growth + kReserveBytes) {
    findings.push_back({"disk", budget + ": the volume is full before the cache is",
                        "make room, or set cache.max_disk_bytes to " +
                            ShowBytes(used_bytes + free - kReserveBytes) + " or less",
                        tools::kExitNotFound});
  } else {
    findings.push_back({"disk", budget});
  }
}

}  // namespace larder::cachectl
