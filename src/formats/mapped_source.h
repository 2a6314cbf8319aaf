// MappedSource: a file of weights mapped into memory, read-only. Loading a model of many gigabytes
// then takes no time of its own, the weights are used where the file has them, and programs that
// run the same model share its pages.
//
// What a mapping cannot promise: when somebody shortens the file, or its disk fails, touching the
// lost pages raises SIGBUS, from which a reader cannot recover. The program then says which file it
// was, and ends with exit code 1, or as the handler that it had for the signal ends it (console's
// gives the terminal back first). To replace a model that may be in use, write a new file and
// rename it (as all writers of this program do), never in place.
#pragma once

#include "formats/source.h"

namespace cairn::formats {

class MappedSource final : public Source {
  public:
    /// Installs the SIGBUS handler, unless it is there; one that the program has besides is called
    /// by it. kIo for what cannot be mapped, such as an empty file.
    static Result<SharedSource> open(const std::string& path);
    ~MappedSource() override;
    MappedSource(const MappedSource&) = delete;
    MappedSource& operator=(const MappedSource&) = delete;

    std::uint64_t size() const override { return file_.size(); }
    const std::string& name() const override { return file_.name(); }
    const std::uint8_t* mapped() const override { return begin_; }

  private:
    MappedSource(FileSource file, const std::uint8_t* begin);
    Status read_within(std::uint64_t offset, std::span<std::uint8_t> out) const override;

    FileSource file_;
    const std::uint8_t* begin_;
    std::size_t slot_;  ///< in the table that the SIGBUS handler reads
};

/// Mapped if it can be, else read in pieces.
Result<SharedSource> open_source(const std::string& path);

}  // namespace cairn::formats
