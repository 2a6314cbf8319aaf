// FileWriter: a large file written piece by piece, that exists whole or not at all. It has no name
// until commit(): a crash, a full disk or a forgotten writer leaves nothing behind (on file systems
// without nameless files a temporary name beside the target is used, and removed). Small files of a
// node's own folder go through base/disk.h.
//
//   ASSIGN_OR_RETURN(auto writer, FileWriter::create(path, expected_bytes));
//   RETURN_IF_ERROR(writer->write(header));
//   RETURN_IF_ERROR(writer->commit(Replace::kNo));
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace cairn::formats {

/// Whether a file that is already there may be replaced.
enum class Replace { kNo, kYes };

class FileWriter {
  public:
    /// Reserves `expected_bytes` where the file system can, so that a full disk is noticed at once:
    /// kFull, with the space needed. If `path` is a symbolic link, its target is written.
    static Result<std::unique_ptr<FileWriter>> create(const std::string& path,
                                                      std::uint64_t expected_bytes);
    ~FileWriter();
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    Status write(ByteView bytes);
    std::uint64_t written() const { return written_; }
    /// Writes everything to disk, still without a name: the last step that can fail for lack of
    /// space. commit() calls it; call it before that for files that must appear together.
    Status sync();
    /// The file appears under its name, in one step. kRefused if it is there and may not be
    /// replaced.
    Status commit(Replace replace);

  private:
    FileWriter(std::string named, std::string path, int fd, std::string temporary)
        : named_(std::move(named)),
          path_(std::move(path)),
          fd_(fd),
          temporary_(std::move(temporary)) {}
    Status flush();

    std::string named_;
    std::string path_;  ///< the target, symbolic links followed
    int fd_;
    std::string temporary_;  ///< its name for now; empty while it has none
    Bytes buffer_;
    std::uint64_t written_ = 0;
    bool synced_ = false;
};

/// kRefused with a hint if `path` is there and may not be replaced: asked before the work begins.
Status check_target(const std::string& path, Replace replace);

}  // namespace cairn::formats
