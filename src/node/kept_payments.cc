#include "node/kept_payments.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/hash.h"

namespace cairn::node {

namespace {

constexpr std::string_view kMagic = "CAIRNPAY";
constexpr std::size_t kMaxBytes =
    kMagic.size() + 4 + kMaxKeptPayments * chain::kMaxPaymentBytes + Hash256::kSize;
constexpr std::size_t kLeastPaymentBytes = 64;  // a signature has as many

}  // namespace

Bytes encode_kept_payments(const std::vector<chain::Payment>& payments) {
    CHECK(payments.size() <= kMaxKeptPayments);
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.count(payments.size());
    for (const chain::Payment& payment : payments) write(writer, payment);
    writer.fixed(crypto::sha256(writer.out()));
    return std::move(writer).take();
}

Result<std::vector<chain::Payment>> decode_kept_payments(ByteView bytes) {
    const std::size_t least = kMagic.size() + 4 + Hash256::kSize;
    if (bytes.size() < least || bytes.size() > kMaxBytes ||
        as_text(bytes.first(kMagic.size())) != kMagic)
        return invalid("it is no file of payments");
    const ByteView body = bytes.first(bytes.size() - Hash256::kSize);
    const Hash256 hash = crypto::sha256(body);
    if (!std::ranges::equal(hash.view(), bytes.subspan(body.size())))
        return invalid("its checksum does not fit");
    Reader reader(body.subspan(kMagic.size()));
    std::vector<chain::Payment> payments(reader.count(kMaxKeptPayments, kLeastPaymentBytes));
    for (chain::Payment& payment : payments) payment = chain::read_payment(reader);
    RETURN_IF_ERROR(reader.finish());
    return payments;
}

Status keep_payments(Disk& disk, const std::vector<chain::Payment>& payments) {
    if (!payments.empty())
        return disk.write_atomic(kKeptPaymentsFile, encode_kept_payments(payments));
    if (!disk.exists(kKeptPaymentsFile)) return ok_status();
    return disk.remove(kKeptPaymentsFile);
}

std::vector<chain::Payment> kept_payments(const Disk& disk) {
    if (!disk.exists(kKeptPaymentsFile)) return {};
    const auto bytes = disk.read(kKeptPaymentsFile, kMaxBytes);
    auto payments = bytes.ok() ? decode_kept_payments(*bytes)
                               : Result<std::vector<chain::Payment>>(bytes.error());
    if (payments.ok()) return *std::move(payments);
    log_warn(
        "the payments that waited when the node stopped are lost, {} cannot be read: {}; send "
        "again what `cairn wallet history` does not show",
        kKeptPaymentsFile, payments.error().message);
    return {};
}

}  // namespace cairn::node
