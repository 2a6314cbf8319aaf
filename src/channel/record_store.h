// The records of a node's or a wallet's channels on disk, a file for each under one folder. A
// voucher is worth money, so what put() has answered survives any crash, and a better voucher is
// never replaced by a worse one, whatever threads and processes (the command line and the node)
// write at the same time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "channel/record.h"

namespace cairn::channel {

class RecordStore {
  public:
    /// More channels of one role at once than anybody has; bounds what strangers can make us keep.
    static constexpr std::size_t kMaxRecords = 4096;

    /// The disk must outlive it.
    explicit RecordStore(Disk& disk, std::string folder = "channels",
                         std::size_t max_records = kMaxRecords)
        : disk_(disk), folder_(std::move(folder)), max_records_(max_records) {}

    /// Whose `counted` a record is.
    enum class Count {
        kOurs,    ///< ours: we pay or serve by the channel
        kTheirs,  ///< that of whoever does, so the one on disk stays
    };
    /// On disk when it returns; answers what is there now: of what was before, the better voucher
    /// stays, and that the channel is being closed. kFull for a new channel where there is no room.
    Result<Record> put(const Record& record, Count count = Count::kOurs);
    /// kNotFound; kInvalid if the disk has damaged it.
    Result<Record> find(Role role, const chain::OutPoint& outpoint) const;
    Status forget(Role role, const chain::OutPoint& outpoint);
    /// For one who pays or serves by the channel: two who count what came would each count a half.
    /// kRefused while another program does.
    Result<std::unique_ptr<DiskLock>> take(Role role, const chain::OutPoint& outpoint) const;

    struct Listing {
        std::vector<Record> records;       ///< in the order of their outpoints
        std::vector<std::string> damaged;  ///< files that cannot be read
    };
    Listing list() const;

  private:
    std::string path(Role role, const chain::OutPoint& outpoint) const;
    std::size_t number_of(Role role) const;

    Disk& disk_;
    std::string folder_;
    std::size_t max_records_;
};

}  // namespace cairn::channel
