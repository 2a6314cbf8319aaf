// The disk, passed in: whole files under one root folder. PosixDisk writes them so that a crash
// at any instant leaves the old file or the new one; MemoryDisk is for simulations and can be
// told to fail.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cairn {

/// What somebody keeps others out of, until it ends.
class DiskLock {
  public:
    DiskLock() = default;
    DiskLock(const DiskLock&) = delete;
    DiskLock& operator=(const DiskLock&) = delete;
    virtual ~DiskLock() = default;
};

/// Names are relative paths with '/', without "..".
class Disk {
  public:
    virtual ~Disk() = default;
    /// The whole file; kNotFound if there is none, kFull if it is larger than max_bytes.
    virtual Result<Bytes> read(const std::string& name, std::size_t max_bytes) const = 0;
    /// Replaces the file as one step that survives a crash (temporary file, fsync, rename).
    virtual Status write_atomic(const std::string& name, ByteView bytes) = 0;
    /// As write_atomic, for what only the owner may read (0600 from the first byte).
    virtual Status write_secret(const std::string& name, ByteView bytes) {
        return write_atomic(name, bytes);
    }
    /// As read; kRefused if others than the owner may read the file, with what to do about it.
    virtual Result<Bytes> read_secret(const std::string& name, std::size_t max_bytes) const {
        return read(name, max_bytes);
    }
    virtual Status remove(const std::string& name) = 0;
    virtual bool exists(const std::string& name) const = 0;
    /// File names (not paths) in a folder, sorted; empty if there is no such folder.
    virtual std::vector<std::string> list(const std::string& folder) const = 0;
    /// Keeps all others, threads as well as processes, out of what they lock by this name, under
    /// which a file without a content is made. Where one of them has it: waits for him, or kRefused
    /// unless `wait`. Nobody has it any more once his process has ended, however it did.
    virtual Result<std::unique_ptr<DiskLock>> lock(const std::string& name, bool wait) = 0;
};

class PosixDisk final : public Disk {
  public:
    explicit PosixDisk(std::string root) : root_(std::move(root)) {}
    Result<Bytes> read(const std::string& name, std::size_t max_bytes) const override;
    Status write_atomic(const std::string& name, ByteView bytes) override;
    Status write_secret(const std::string& name, ByteView bytes) override;
    Result<Bytes> read_secret(const std::string& name, std::size_t max_bytes) const override;
    Status remove(const std::string& name) override;
    bool exists(const std::string& name) const override;
    std::vector<std::string> list(const std::string& folder) const override;
    Result<std::unique_ptr<DiskLock>> lock(const std::string& name, bool wait) override;

  private:
    Status write(const std::string& name, ByteView bytes, bool secret);

    std::string root_;
};

class MemoryDisk final : public Disk {
  public:
    Result<Bytes> read(const std::string& name, std::size_t max_bytes) const override;
    Status write_atomic(const std::string& name, ByteView bytes) override;
    Status remove(const std::string& name) override;
    bool exists(const std::string& name) const override;
    std::vector<std::string> list(const std::string& folder) const override;
    /// One thread uses it, so nobody is waited for: kRefused where the name is locked.
    Result<std::unique_ptr<DiskLock>> lock(const std::string& name, bool wait) override;

    /// From now on writes fail as a full disk does.
    void set_full(bool full) { full_ = full; }
    /// Flips one bit of a stored file, as a bad sector might.
    void flip_bit(const std::string& name, std::size_t bit);

  private:
    std::map<std::string, Bytes> files_;
    std::shared_ptr<std::set<std::string>> locked_ = std::make_shared<std::set<std::string>>();
    bool full_ = false;
};

}  // namespace cairn
