// Source: bytes that can be read at any offset: a file that the user named, or memory (tests,
// fuzzing, a peer's answer). Model formats read through it, so that a file of many gigabytes is
// never in memory twice; a mapped file (formats/mapped_source.h) even lends its weights in place. A
// node's own folder goes through base/disk.h instead.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"

namespace cairn::formats {

class Source {
  public:
    virtual ~Source() = default;
    virtual std::uint64_t size() const = 0;
    /// What errors call it.
    virtual const std::string& name() const = 0;

    /// All of it in memory, for as long as the source lives; null where it has to be read.
    virtual const std::uint8_t* mapped() const { return nullptr; }

    /// Exactly out.size() bytes from `offset` on; kInvalid if it ends before.
    Status read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    /// Little-endian fp32.
    Status read_floats(std::uint64_t offset, std::span<float> out) const;
    /// The first `size` bytes, or all if it is shorter.
    Result<Bytes> head(std::size_t size) const;

  private:
    virtual Status read_within(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

/// Whoever uses a mapped source's bytes in place holds on to it.
using SharedSource = std::shared_ptr<const Source>;

/// Opening refuses what is no file of weights or pieces (base/foreign_file.h) by what it is.
class FileSource final : public Source {
  public:
    static Result<FileSource> open(const std::string& path);
    ~FileSource() override;
    FileSource(FileSource&& other) noexcept;
    FileSource& operator=(FileSource&& other) noexcept;

    std::uint64_t size() const override { return size_; }
    const std::string& name() const override { return path_; }
    int descriptor() const { return fd_; }

  private:
    FileSource(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    Status read_within(std::uint64_t offset, std::span<std::uint8_t> out) const override;

    std::string path_;
    int fd_;
    std::uint64_t size_ = 0;
};

class MemorySource final : public Source {
  public:
    explicit MemorySource(ByteView bytes, std::string name = "memory")
        : bytes_(bytes), name_(std::move(name)) {}
    std::uint64_t size() const override { return bytes_.size(); }
    const std::string& name() const override { return name_; }

  private:
    Status read_within(std::uint64_t offset, std::span<std::uint8_t> out) const override;

    ByteView bytes_;
    std::string name_;
};

}  // namespace cairn::formats
