// The file system, in calls that fail by value. std::filesystem throws on a path that is too long
// or a folder that may not be entered unless each call is given an error_code; here none can
// forget it (tools/tidy keeps std::filesystem's functions out of other rooms). A node's own folder
// goes through disk.h; these are for paths that people name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cairn {

enum class FileKind { kNone, kFile, kFolder, kOther };

/// What `path` names, links followed. kIo where it cannot be told (a folder that may not be
/// entered, a name that is too long), with the reason.
Result<FileKind> file_kind(const std::string& path);
/// As file_kind, for a yes or no; false where it cannot be told.
bool is_file(const std::string& path);
bool is_folder(const std::string& path);
bool exists(const std::string& path);
/// Whether both names lead to one existing file.
bool same_file(const std::string& a, const std::string& b);

/// The part before the last '/', "." if there is none; the part behind it.
std::string folder_of(const std::string& path);
std::string name_of(const std::string& path);
Result<std::string> absolute_path(const std::string& path);
/// Where writing to `path` should really write: a link's target, so that the link stays one. A
/// planted link is not followed.
std::string follow_links(const std::string& path);
/// Whether `path` is a link that another user made in a folder where everybody may make files, such
/// as /tmp: it may lead to any file that we may write. (Linux's rule for links that it follows
/// itself, fs.protected_symlinks.)
bool is_planted_link(const std::string& path);
/// `path` for an error message; a link to what does not exist is shown with its target.
std::string with_lost_target(const std::string& path);

/// kRefused for a link whose target does not exist: a file made through it would lie where nobody
/// looks, perhaps in the folder of a disk that is only not mounted.
Status check_no_lost_link(const std::string& path);

/// The whole of a small file; kFull if it is longer than `max_bytes`, kIo for what is no file.
Result<Bytes> read_file(const std::string& path, std::size_t max_bytes);
/// kRefused if others than its owner may read the file, with what to do about it. Pipes pass.
Status check_secret(const std::string& path);
/// Of a text: 1 GiB.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
/// A text of at most kMaxTextBytes that people wrote; all else is refused (base/foreign_file.h).
Result<std::string> read_text_file(const std::string& path);
/// As Disk::write_atomic: the old file or the new one, whatever happens.
Status write_file(const std::string& path, ByteView bytes);
Result<std::uint64_t> file_size(const std::string& path);
/// When a file or folder was last changed, in seconds since 1970 (UTC).
Result<std::int64_t> changed_at_s(const std::string& path);

/// Why what lies at `path` is not read: it is a folder, a pipe or a device, by its st_mode. Files
/// are read at any offset, and their size is wanted first.
Error not_a_file(const std::string& path, unsigned mode);
/// The error of the system call that has just failed, from errno: "`what`: reason".
Error file_error(const std::string& what);
/// Syncs a folder, so that files renamed into it or made in it survive a crash.
Status sync_folder(const std::string& path);

/// Makes the folder and all folders above it; ok if it exists.
Status make_folders(const std::string& path);
/// The same for a folder with secrets: one that is made here (not those above it) is its owner's
/// alone. Else another user of the machine could hold the locks of what lies in it, which takes no
/// more than reading.
Status make_private_folder(const std::string& path);
/// What to say of such a folder where every user of the machine may enter it and all folders above
/// it; empty if not.
std::string open_folder_warning(const std::string& folder);
/// Makes a folder in the system's temporary folder, named `prefix` and six characters.
Result<std::string> make_temporary_folder(const std::string& prefix);
/// Names in a folder, sorted.
Result<std::vector<std::string>> list_folder(const std::string& path);
Status copy_tree(const std::string& from, const std::string& to);
/// Removes a file or an empty folder; ok if it does not exist.
Status remove_file(const std::string& path);
Status remove_tree(const std::string& path);

struct DiskSpace {
    std::uint64_t total = 0;  ///< bytes
    std::uint64_t free = 0;   ///< that this user may still write
};
Result<DiskSpace> disk_space(const std::string& path);

}  // namespace cairn
