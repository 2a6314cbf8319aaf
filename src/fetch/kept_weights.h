// KeptWeights: the tensors of one model that were fetched, as files in a folder that bears its
// name. A tensor grows piece by piece and survives a kill at any moment; once whole it is proved
// against the model's root, and again whenever it is read, so what is damaged on disk is noticed
// and fetched anew.
//
//   FOLDER/<name in hexadecimal>/manifest
//                                0004.part   the first leaves of tensor 4, as many as have come
//                                0004.left   the left side of their proof (base/encoding.h)
//                                0004        the whole tensor; 0004.proof both sides
//
// Written by one process at a time: who fetches holds lock_folder().
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/disk.h"
#include "fetch/leaf_source.h"
#include "fetch/messages.h"

namespace cairn::fetch {

class KeptWeights {
  public:
    /// Makes the folder. kInvalid if another manifest lies there under this name.
    static Result<KeptWeights> open(const std::string& folder, Manifest manifest);
    /// What an earlier run kept under this name; kNotFound if nothing.
    static Result<KeptWeights> find(const std::string& folder, const Hash256& name);

    const Manifest& manifest() const { return manifest_; }
    const Hash256& name() const { return name_; }
    const LeafPlan& plan() const { return plan_; }

    /// Whether all of the tensor's leaves have come.
    bool is_whole(std::size_t tensor) const;
    /// Leaves that have come, from the tensor's first one on.
    std::uint64_t kept(std::size_t tensor) const;
    /// The next leaves of the tensor, which `proof` was found to prove. With the last of them all
    /// are proved together; kInvalid, with the tensor gone, if the disk gave others back. kIo where
    /// these do not follow what is on disk: another program writes there, too.
    Status append(std::size_t tensor, ByteView bytes, const crypto::RangeProof& proof);
    /// A whole tensor, proved. kInvalid, with the tensor gone, for one that is damaged.
    Result<Bytes> load(std::size_t tensor) const;

    /// The tensors that are whole now, for others. Each is proved when it is first read.
    std::shared_ptr<const LeafSource> source() const;

  private:
    KeptWeights(std::string folder, Manifest manifest);

    std::string folder_;
    Manifest manifest_;
    Hash256 name_;
    LeafPlan plan_;
};

/// Keeps other processes from fetching into the folder, which is made; waits for one that does,
/// and says so before by `note` (which may be empty).
Result<std::unique_ptr<DiskLock>> lock_folder(const std::string& folder,
                                              const std::function<void(const std::string&)>& note);

/// Removes what was kept in `folder` under all names but these; other files are left alone.
Status forget_others(const std::string& folder, std::span<const Hash256> names);

}  // namespace cairn::fetch
