// A node's disk that fails as disks do: full, refusing a write now and then, or losing part of
// what it was writing when the power went. Reads are honest; what they find may be torn.
#pragma once

#include <string>
#include <vector>

#include "base/disk.h"
#include "base/random.h"

namespace cairn::sim {

struct DiskFaults {
    bool full = false;                      ///< every write fails
    std::uint32_t failing_per_million = 0;  ///< of writes
};

class FaultyDisk final : public Disk {
  public:
    FaultyDisk(const std::string& root, std::uint64_t seed) : disk_(root), random_(seed) {}

    void set_faults(const DiskFaults& faults) { faults_ = faults; }
    /// The power goes while the latest file is being written: it is left cut short.
    void tear_latest();

    Result<Bytes> read(const std::string& name, std::size_t max_bytes) const override {
        return disk_.read(name, max_bytes);
    }
    Status write_atomic(const std::string& name, ByteView bytes) override;
    Status remove(const std::string& name) override { return disk_.remove(name); }
    bool exists(const std::string& name) const override { return disk_.exists(name); }
    std::vector<std::string> list(const std::string& folder) const override {
        return disk_.list(folder);
    }
    Result<std::unique_ptr<DiskLock>> lock(const std::string& name, bool wait) override {
        return disk_.lock(name, wait);
    }

  private:
    PosixDisk disk_;
    SeededRandom random_;
    DiskFaults faults_;
    std::string latest_;
};

}  // namespace cairn::sim
