#include "store/file_format.h"
#include "store/store.h"

namespace cairn::store {

namespace {

constexpr char kFolder[] = "models";

std::string model_file(std::uint64_t height, const Hash256& block) {
    return std::string(kFolder) + "/" + std::to_string(height) + "-" + to_hex(block);
}

}  // namespace

// The new file is complete before the old one goes. A crash in between leaves one too many, until
// the next one is kept.
Status Store::keep_model(std::uint64_t height, const Hash256& block, ByteView weights) {
    RETURN_IF_ERROR(refuse_if_read_only());
    if (weights.size() > kMaxModelBytes) return invalid("a model that is too large");
    const std::string file = model_file(height, block);
    RETURN_IF_ERROR(write_checked(*disk_, file, FileKind::kModel, weights));
    for (const std::string& name : disk_->list(kFolder)) {
        const std::string other = std::string(kFolder) + "/" + name;
        if (other != file) RETURN_IF_ERROR(disk_->remove(other));
    }
    return ok_status();
}

Result<Bytes> Store::kept_model(std::uint64_t height, const Hash256& block) const {
    return read_checked(*disk_, model_file(height, block), FileKind::kModel, kMaxModelBytes);
}

}  // namespace cairn::store
