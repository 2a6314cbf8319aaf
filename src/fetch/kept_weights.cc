#include "fetch/kept_weights.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/files.h"
#include "base/mutex.h"

namespace cairn::fetch {

namespace {

constexpr std::size_t kMaxProofBytes = 8 + 2 * crypto::kMaxProofSide * Hash256::kSize;

std::string file_of(const std::string& folder, std::size_t tensor, std::string_view ending = "") {
    return fmt::format("{}/{:04}{}", folder, tensor, ending);
}

Bytes encode(const crypto::RangeProof& proof) {
    Writer writer;
    write(writer, proof);
    return std::move(writer).take();
}

Result<crypto::RangeProof> read_proof(const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxProofBytes));
    Reader reader(bytes);
    crypto::RangeProof proof = crypto::read_range_proof(reader);
    RETURN_IF_ERROR(reader.finish());
    return proof;
}

/// An open file that closes itself.
class File {
  public:
    File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

Status write_at(const std::string& path, std::uint64_t offset, ByteView bytes) {
    const File file(path, O_WRONLY | O_CREAT);
    if (file.get() < 0) return file_error("cannot write " + path);
    while (!bytes.empty()) {
        const ::ssize_t wrote =
            ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
        if (wrote <= 0) return file_error("cannot write " + path);
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
    }
    return ok_status();
}

Result<Bytes> read_at(const std::string& path, std::uint64_t offset, std::uint64_t size) {
    const File file(path, O_RDONLY);
    if (file.get() < 0) return file_error("cannot read " + path);
    Bytes bytes(size);
    std::size_t done = 0;
    while (done < size) {
        const ::ssize_t got = ::pread(file.get(), bytes.data() + done, size - done,
                                      static_cast<::off_t>(offset + done));
        if (got < 0) return file_error("cannot read " + path);
        if (got == 0) return invalid(path + " ends early");
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

Status sync_file(const std::string& path) {
    const File file(path, O_WRONLY);
    if (file.get() < 0 || ::fsync(file.get()) != 0) return file_error("cannot write " + path);
    return ok_status();
}

Status rename_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return file_error("cannot make " + to);
    return sync_folder(folder_of(to));
}

void remove_tensor(const std::string& folder, std::size_t tensor) {
    for (const std::string_view ending : {"", ".part", ".left", ".proof"})
        (void)remove_file(file_of(folder, tensor, ending));
}

/// The tensor's tree, if the bytes lead to the model's root.
Result<crypto::MerkleRange> prove(const Manifest& manifest, const LeafPlan& plan,
                                  std::size_t tensor, ByteView bytes,
                                  const crypto::RangeProof& proof) {
    const std::vector<Hash256> leaves = leaf_hashes(manifest.form, bytes);
    ASSIGN_OR_RETURN(
        crypto::MerkleRange range,
        crypto::MerkleRange::build(leaves, plan.tensor(tensor).first, plan.leaves(), proof));
    if (range.root() != manifest.root) return invalid("it is not the model's");
    return range;
}

/// Whole tensors on disk.
class KeptLeaves final : public LeafSource {
  public:
    KeptLeaves(std::string folder, const Manifest& manifest, std::vector<bool> whole)
        : LeafSource(manifest),
          folder_(std::move(folder)),
          whole_(std::move(whole)),
          trees_(whole_.size()) {}

    Result<LeafRun> read(std::uint64_t first, std::uint64_t count) const override {
        CHECK(has(first, count));
        const std::size_t tensor = plan().tensor_of(first);
        const TensorLeaves& at = plan().tensor(tensor);
        const MutexLock lock(use_);
        if (trees_[tensor] == nullptr) {
            ASSIGN_OR_RETURN(const Bytes bytes, read_at(file_of(folder_, tensor), 0, at.bytes));
            ASSIGN_OR_RETURN(const auto proof, read_proof(file_of(folder_, tensor, ".proof")));
            ASSIGN_OR_RETURN(auto tree, prove(manifest(), plan(), tensor, bytes, proof));
            trees_[tensor] = std::make_unique<crypto::MerkleRange>(std::move(tree));
        }
        LeafRun run;
        ASSIGN_OR_RETURN(run.bytes,
                         read_at(file_of(folder_, tensor), (first - at.first) * kLeafBytes,
                                 plan().bytes(first, count)));
        run.proof = trees_[tensor]->prove(first, first + count);
        return run;
    }

  private:
    bool has_tensor(std::size_t number) const override { return whole_[number]; }

    std::string folder_;
    std::vector<bool> whole_;
    mutable Mutex use_;
    mutable std::vector<std::unique_ptr<crypto::MerkleRange>> trees_ GUARDED_BY(use_);
};

}  // namespace

KeptWeights::KeptWeights(std::string folder, Manifest manifest)
    : folder_(std::move(folder)),
      manifest_(std::move(manifest)),
      name_(manifest_.name()),
      plan_(manifest_) {}

Result<KeptWeights> KeptWeights::open(const std::string& folder, Manifest manifest) {
    const std::string path = folder + "/" + to_hex(manifest.name());
    KeptWeights kept(path, std::move(manifest));
    RETURN_IF_ERROR(make_folders(kept.folder_));
    const Bytes bytes = fetch::encode(kept.manifest_);
    const auto there = read_file(kept.folder_ + "/manifest", kMaxManifestBytes);
    if (there.ok() && *there == bytes) return kept;
    // A file that a crash or a bad disk left: what it would have said is known.
    RETURN_IF_ERROR(write_file(kept.folder_ + "/manifest", bytes));
    return kept;
}

Result<KeptWeights> KeptWeights::find(const std::string& folder, const Hash256& name) {
    const std::string path = folder + "/" + to_hex(name) + "/manifest";
    if (!exists(path)) return not_found("no weights of model " + short_hex(name) + " are here");
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxManifestBytes));
    ASSIGN_OR_RETURN(Manifest manifest, decode_manifest(bytes));
    if (manifest.name() != name) return invalid(path + " is of another model");
    return KeptWeights(folder + "/" + to_hex(name), std::move(manifest));
}

bool KeptWeights::is_whole(std::size_t tensor) const {
    const auto size = file_size(file_of(folder_, tensor));
    return size.ok() && *size == plan_.tensor(tensor).bytes &&
           exists(file_of(folder_, tensor, ".proof"));
}

std::uint64_t KeptWeights::kept(std::size_t tensor) const {
    if (is_whole(tensor)) return plan_.tensor(tensor).count;
    const auto size = file_size(file_of(folder_, tensor, ".part"));
    if (!size.ok() || !exists(file_of(folder_, tensor, ".left"))) return 0;
    // A part that is complete was not proved yet: its last leaf comes again.
    return std::min(*size / kLeafBytes, plan_.tensor(tensor).count - 1);
}

Status KeptWeights::append(std::size_t tensor, ByteView bytes, const crypto::RangeProof& proof) {
    const TensorLeaves& at = plan_.tensor(tensor);
    const std::uint64_t before = kept(tensor);
    const std::uint64_t count = (bytes.size() + kLeafBytes - 1) / kLeafBytes;
    if (before >= at.count || count > at.count - before ||
        bytes.size() != plan_.bytes(at.first + before, count))
        return io_error("another program writes tensors to " + folder_ + ", too: begin again");
    const std::string part = file_of(folder_, tensor, ".part");
    const std::string left = file_of(folder_, tensor, ".left");
    if (before == 0) RETURN_IF_ERROR(write_file(left, encode({proof.left, {}})));
    RETURN_IF_ERROR(write_at(part, before * kLeafBytes, bytes));
    if (before + count < at.count) return ok_status();
    RETURN_IF_ERROR(sync_file(part));
    const auto all = read_at(part, 0, at.bytes);
    auto sides = read_proof(left);
    if (sides.ok()) sides->right = proof.right;
    if (!all.ok() || !sides.ok() || !prove(manifest_, plan_, tensor, *all, *sides).ok()) {
        remove_tensor(folder_, tensor);
        return invalid(part + " was damaged on disk");
    }
    RETURN_IF_ERROR(write_file(file_of(folder_, tensor, ".proof"), encode(*sides)));
    RETURN_IF_ERROR(rename_file(part, file_of(folder_, tensor)));
    return remove_file(left);
}

Result<Bytes> KeptWeights::load(std::size_t tensor) const {
    const std::string path = file_of(folder_, tensor);
    ASSIGN_OR_RETURN(Bytes bytes, read_at(path, 0, plan_.tensor(tensor).bytes));
    const auto proof = read_proof(file_of(folder_, tensor, ".proof"));
    if (proof.ok() && prove(manifest_, plan_, tensor, bytes, *proof).ok()) return bytes;
    remove_tensor(folder_, tensor);
    return invalid(path + " is damaged and was removed: it is fetched again the next time");
}

std::shared_ptr<const LeafSource> KeptWeights::source() const {
    std::vector<bool> whole(plan_.tensors());
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = is_whole(i);
    return std::make_shared<const KeptLeaves>(folder_, manifest_, std::move(whole));
}

Result<std::unique_ptr<DiskLock>> lock_folder(const std::string& folder,
                                              const std::function<void(const std::string&)>& note) {
    RETURN_IF_ERROR(make_folders(folder));
    PosixDisk disk(folder);
    auto lock = disk.lock("lock", false);
    if (lock.ok() || lock.error().code != ErrorCode::kRefused) return lock;
    if (note) note("another program fetches into " + folder + ": waiting until it is done");
    return disk.lock("lock", true);
}

Status forget_others(const std::string& folder, std::span<const Hash256> names) {
    ASSIGN_OR_RETURN(const std::vector<std::string> there, list_folder(folder));
    for (const std::string& entry : there) {
        const auto name = fixed_from_hex<32>(entry);
        if (!name.ok() || to_hex(*name) != entry) continue;
        if (std::ranges::find(names, *name) != names.end()) continue;
        if (exists(folder + "/" + entry + "/manifest"))
            RETURN_IF_ERROR(remove_tree(folder + "/" + entry));
    }
    return ok_status();
}

}  // namespace cairn::fetch
