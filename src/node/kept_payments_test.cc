// Proves that payments come back from their file as they were, and that a damaged, cut or foreign
// file gives none.
#include "node/kept_payments.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/disk.h"
#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::node {
namespace {

namespace fs = std::filesystem;

std::vector<chain::Payment> some_payments() {
    std::vector<chain::Payment> payments(3);
    for (std::size_t i = 0; i < payments.size(); ++i) {
        payments[i].inputs.resize(i + 1);
        for (std::size_t j = 0; j <= i; ++j)
            payments[i].inputs[j].index = static_cast<std::uint32_t>(j);
        payments[i].signatures.resize(i + 1);
        payments[i].outputs.resize(1);
        payments[i].outputs[0].amount = 7 + i;
    }
    return payments;
}

std::vector<Hash256> ids_of(const std::vector<chain::Payment>& payments) {
    std::vector<Hash256> ids;
    for (const chain::Payment& payment : payments) ids.push_back(chain::payment_id(payment));
    return ids;
}

TEST(KeptPayments, ComeBackAndGoWithAnEmptyPool) {
    MemoryDisk disk;
    EXPECT_TRUE(kept_payments(disk).empty());
    ASSERT_TRUE(keep_payments(disk, some_payments()).ok());
    EXPECT_EQ(ids_of(kept_payments(disk)), ids_of(some_payments()));
    ASSERT_TRUE(keep_payments(disk, {}).ok());
    EXPECT_FALSE(disk.exists(kKeptPaymentsFile));
}

TEST(KeptPayments, DamageGivesNone) {
    const Bytes good = encode_kept_payments(some_payments());
    EXPECT_TRUE(decode_kept_payments(good).ok());
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(decode_kept_payments(ByteView(good).first(size)).ok()) << size;
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 7) {
        Bytes bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
        EXPECT_FALSE(decode_kept_payments(bad).ok()) << bit;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_kept_payments(longer).ok());
    MemoryDisk disk;
    ASSERT_TRUE(disk.write_atomic(kKeptPaymentsFile, as_bytes("no such thing")).ok());
    EXPECT_TRUE(kept_payments(disk).empty());
}

TEST(KeptPayments, CountsThatPromiseTooMuchAreRefused) {
    const auto with_count = [](std::uint32_t count) {
        Writer writer;
        writer.raw(as_bytes(std::string_view("CAIRNPAY")));
        writer.u32(count);
        writer.fixed(crypto::sha256(writer.out()));
        return std::move(writer).take();
    };
    EXPECT_TRUE(decode_kept_payments(with_count(0)).ok());
    for (const std::uint32_t count : {1U, 4096U, 4097U, 0xffffffffU})
        EXPECT_FALSE(decode_kept_payments(with_count(count)).ok()) << count;
}

TEST(KeptPayments, AFullDiskKeepsTheFileOfBefore) {
    MemoryDisk disk;
    ASSERT_TRUE(keep_payments(disk, some_payments()).ok());
    disk.set_full(true);
    EXPECT_FALSE(keep_payments(disk, {some_payments()[0]}).ok());
    EXPECT_EQ(ids_of(kept_payments(disk)), ids_of(some_payments()));
}

TEST(KeptPayments, WhatIsNoFileOfOursIsPassedOver) {
    const fs::path folder = testing::TempDir() + "/cairn-kept-" + std::to_string(::getpid());
    const fs::path file = folder / kKeptPaymentsFile;
    PosixDisk disk(folder.string());
    EXPECT_TRUE(kept_payments(disk).empty());  // not even a folder
    fs::create_directories(folder);
    const auto put = [&](const std::string& text) { std::ofstream(file) << text; };
    put("");
    EXPECT_TRUE(kept_payments(disk).empty());
    put("CAIRNPAY");
    EXPECT_TRUE(kept_payments(disk).empty());
    fs::resize_file(file, std::uintmax_t{1} << 40);  // with a hole: it takes no room
    EXPECT_TRUE(kept_payments(disk).empty());
    ASSERT_TRUE(keep_payments(disk, some_payments()).ok());  // and makes room for a good one
    EXPECT_EQ(ids_of(kept_payments(disk)), ids_of(some_payments()));
    fs::remove(file);
    fs::create_directory(file);
    EXPECT_TRUE(kept_payments(disk).empty());
    EXPECT_FALSE(keep_payments(disk, some_payments()).ok());
    EXPECT_TRUE(keep_payments(disk, {}).ok());
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);  // whoever opens it waits for a writer
    EXPECT_TRUE(kept_payments(disk).empty());
    fs::remove_all(folder);
}

}  // namespace
}  // namespace cairn::node
