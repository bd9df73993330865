#include "backup_note.h"

#include <sstream>

namespace larder {
namespace {

constexpr const char* kFirstWord = "larder-backup";
constexpr int kVersion = 1;

}  // namespace

std::string EncodeNote(const BackupNote& note) {
  std::ostringstream text;
  text << kFirstWord << ' ' << kVersion << ' ' << note.known_until.time_since_epoch().count() << ' '
       << note.sequence << ' ' << note.name;
  return text.str();
}

std::optional<BackupNote> DecodeNote(const std::string& text) {
  std::istringstream in(text);
  std::string first_word;
  int version = 0;
  std::int64_t known_until_ms = 0;
  BackupNote note;
  in >> first_word >> version >> known_until_ms >> note.sequence >> note.name;
  const bool digits_only = note.name.find_first_not_of("0123456789") == std::string::npos;
  if (in.fail() || first_word != kFirstWord || version != kVersion || !digits_only) {
    return std::nullopt;
  }
  note.known_until = TimePoint(Duration(known_until_ms));
  return note;
}

BackupInfo InfoOf(const StoreBackup& backup, const BackupNote& note) {
  return {.id = backup.id, .known_until = note.known_until, .bytes = backup.bytes};
}

Result<FoundBackup> FindBackup(const std::string& directory, std::uint32_t id) {
  const Result<std::vector<StoreBackup>> backups = ListStoreBackups(BackupRows(directory));
  if (!backups.ok()) return backups.status();
  for (auto backup = backups->rbegin(); backup != backups->rend(); ++backup) {
    if (id != 0 && backup->id != id) continue;
    if (std::optional<BackupNote> note = DecodeNote(backup->note)) {
      return FoundBackup{.rows = *backup, .note = *std::move(note)};
    }
  }
  return Status(StatusCode::kNotFound,
                id == 0 ? "no backup of ours in " + directory
                        : "no backup " + std::to_string(id) + " in " + directory);
}

}  // namespace larder
