#include "channel/record_store.h"

#include <algorithm>

namespace cairn::channel {

namespace {

constexpr std::string_view kLock = "writing.lock";
constexpr std::string_view kTaken = ".lock";  // behind a record's name

std::string_view ending(Role role) { return role == Role::kPayer ? ".payer" : ".payee"; }

}  // namespace

std::string RecordStore::path(Role role, const chain::OutPoint& outpoint) const {
    return folder_ + "/" + to_hex(outpoint.id) + "-" + std::to_string(outpoint.index) +
           std::string(ending(role));
}

std::size_t RecordStore::number_of(Role role) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        disk_.list(folder_),
        [role](const std::string& file) { return file.ends_with(ending(role)); }));
}

Result<Record> RecordStore::put(const Record& record, Count count) {
    ASSIGN_OR_RETURN(const auto lock, disk_.lock(folder_ + "/" + std::string(kLock), true));
    const std::string name = path(record.role, record.terms.outpoint);
    Record merged = record;
    if (disk_.exists(name)) {
        const auto before = find(record.role, record.terms.outpoint);
        if (before.ok() && before->terms == record.terms &&
            before->genesis_id == record.genesis_id) {
            if (before->paid > merged.paid) {
                merged.paid = before->paid;
                merged.signature = before->signature;
            }
            if (count == Count::kTheirs)
                merged.counted = before->counted;
            else if (merged.role == Role::kPayer)
                merged.counted = std::max(merged.counted, before->counted);
            if (merged.note.empty()) merged.note = before->note;
            merged.closing |= before->closing;
        }
    } else if (number_of(record.role) >= max_records_) {
        return Error{ErrorCode::kFull, "there are " + std::to_string(max_records_) +
                                           " channels already: no room for another"};
    }
    RETURN_IF_ERROR(disk_.write_secret(name, encode(merged)));
    return merged;
}

Result<Record> RecordStore::find(Role role, const chain::OutPoint& outpoint) const {
    ASSIGN_OR_RETURN(const Bytes bytes, disk_.read(path(role, outpoint), kMaxRecordBytes));
    ASSIGN_OR_RETURN(Record record, decode_record(bytes));
    if (record.role != role || record.terms.outpoint != outpoint)
        return invalid("a channel's record lies under the name of another");
    return record;
}

Status RecordStore::forget(Role role, const chain::OutPoint& outpoint) {
    const std::string name = path(role, outpoint);
    for (const std::string& file : {name, name + std::string(kTaken)})
        if (disk_.exists(file)) RETURN_IF_ERROR(disk_.remove(file));
    return ok_status();
}

Result<std::unique_ptr<DiskLock>> RecordStore::take(Role role,
                                                    const chain::OutPoint& outpoint) const {
    auto lock = disk_.lock(path(role, outpoint) + std::string(kTaken), false);
    if (!lock.ok() && lock.error().code == ErrorCode::kRefused)
        return Error{ErrorCode::kRefused,
                     "another program uses channel " + chain::outpoint_text(outpoint) + " now"};
    return lock;
}

RecordStore::Listing RecordStore::list() const {
    Listing listing;
    for (const std::string& file : disk_.list(folder_)) {
        const std::string name = folder_ + "/" + file;
        if (!file.ends_with(".payer") && !file.ends_with(".payee")) continue;
        const auto bytes = disk_.read(name, kMaxRecordBytes);
        auto record = bytes.ok() ? decode_record(*bytes) : Result<Record>(bytes.error());
        if (!record.ok() || path(record->role, record->terms.outpoint) != name)
            listing.damaged.push_back(name);
        else
            listing.records.push_back(*std::move(record));
    }
    std::ranges::sort(listing.records, {},
                      [](const Record& record) { return record.terms.outpoint; });
    return listing;
}

}  // namespace cairn::channel
