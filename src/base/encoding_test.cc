// Proves: what Writer writes Reader reads back, and a short, long or lying input is an error, never
// a crash.
#include "base/encoding.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(Codec, RoundTripsEveryKindOfField) {
    Writer w;
    w.u8(0xfe);
    w.u16(0xbeef);
    w.u32(0xdeadbeef);
    w.u64(0x0123456789abcdef);
    w.i32(-5);
    w.i64(-7);
    w.text("stone");
    w.fixed(Hash256{{1, 2, 3}});
    const Bytes out = std::move(w).take();
    Reader r(out);
    EXPECT_EQ(r.u8(), 0xfe);
    EXPECT_EQ(r.u16(), 0xbeef);
    EXPECT_EQ(r.u32(), 0xdeadbeef);
    EXPECT_EQ(r.u64(), 0x0123456789abcdefu);
    EXPECT_EQ(r.i32(), -5);
    EXPECT_EQ(r.i64(), -7);
    EXPECT_EQ(r.text(5), "stone");
    EXPECT_EQ(r.fixed<32>(), (Hash256{{1, 2, 3}}));
    EXPECT_TRUE(r.finish().ok());
}

TEST(Codec, IsLittleEndian) {
    Writer w;
    w.u32(0x01020304);
    EXPECT_EQ(w.out(), (Bytes{4, 3, 2, 1}));
}

TEST(Codec, RefusesTrailingBytes) {
    const Bytes two = {1, 2};
    Reader r(two);
    r.u8();
    EXPECT_FALSE(r.finish().ok());
}

TEST(Codec, EveryTruncationIsAnErrorAndReadsZeros) {
    Writer w;
    w.u64(~0ull);
    w.text("abc");
    const Bytes whole = w.out();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Reader r(ByteView(whole).first(size));
        const std::uint64_t number = r.u64();
        const std::string text = r.text(10);
        EXPECT_FALSE(r.finish().ok()) << size;
        EXPECT_TRUE(size >= 8 || number == 0);
        EXPECT_EQ(text, "");
    }
}

TEST(Codec, ALyingCountCannotMakeUsAllocate) {
    Writer w;
    w.u32(0xffffffff);
    Reader limit(w.out());
    EXPECT_EQ(limit.count(1000, 1), 0u);
    EXPECT_TRUE(limit.failed());
    Reader rest(w.out());
    EXPECT_EQ(rest.count(0xffffffff, 32), 0u);
    EXPECT_TRUE(rest.failed());
}

TEST(Codec, TheFirstFailureIsTheReason) {
    Reader r({});
    r.fail("first");
    r.fail("second");
    EXPECT_EQ(r.finish().error().message, "first");
}

TEST(Hex, RoundTripsAndRefusesWhatIsNotHex) {
    const Bytes bytes = {0, 1, 0xab, 0xff};
    EXPECT_EQ(to_hex(bytes), "0001abff");
    EXPECT_EQ(from_hex("0001ABff").value(), bytes);
    EXPECT_FALSE(from_hex("0").ok());
    EXPECT_FALSE(from_hex("0g").ok());
    EXPECT_FALSE(fixed_from_hex<32>("00").ok());
}

}  // namespace
}  // namespace cairn
