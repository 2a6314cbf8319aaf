#include "sim/faulty_disk.h"

namespace cairn::sim {

Status FaultyDisk::write_atomic(const std::string& name, ByteView bytes) {
    if (faults_.full) return Error{ErrorCode::kFull, "cannot write " + name + ": no space left"};
    if (faults_.failing_per_million > 0 && random_.below(1'000'000) < faults_.failing_per_million)
        return io_error("cannot write " + name + ": input/output error");
    latest_ = name;
    return disk_.write_atomic(name, bytes);
}

void FaultyDisk::tear_latest() {
    if (latest_.empty()) return;
    const auto whole = disk_.read(latest_, std::size_t{1} << 30);
    if (!whole.ok() || whole->empty()) return;
    const ByteView part = ByteView(*whole).first(random_.below(whole->size()));
    CHECK(disk_.write_atomic(latest_, part).ok());
}

}  // namespace cairn::sim
