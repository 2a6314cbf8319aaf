// How the fields of network_fields.h become bytes and come back: each field of the table in its
// order, and the extensions as a list of (id, bytes). Internal to chain/.
#pragma once

#include <iterator>
#include <optional>

#include "base/check.h"
#include "base/encoding.h"
#include "chain/codec_kinds.h"
#include "chain/network_fields.h"

namespace cairn::chain::fields {

struct EncodeFields {
    Writer& w;

    void begin(const char*) {}
    void end() {}
    void number(const char*, std::uint16_t value, std::uint64_t, std::uint64_t) { w.u16(value); }
    void number(const char*, std::uint32_t value, std::uint64_t, std::uint64_t) { w.u32(value); }
    void number(const char*, std::uint64_t value, std::uint64_t, std::uint64_t) { w.u64(value); }
    void flag(const char*, bool value) { w.u8(value ? 1 : 0); }
    void text(const char*, const std::string& value) { w.text(value); }
    void hash(const char*, const Hash256& value) { w.fixed(value); }
    void codec_kind(const char*, CodecKind value) { w.u8(static_cast<std::uint8_t>(value)); }
    void work(const char*, WorkFunction value) { w.u8(static_cast<std::uint8_t>(value)); }
    void optimiser(const char*, Optimiser value) { w.u8(static_cast<std::uint8_t>(value)); }
    void upgrades(const char*, const std::vector<Upgrade>& list) {
        w.count(list.size());
        for (const Upgrade& upgrade : list) {
            w.u32(upgrade.height);
            w.u16(upgrade.numerics_version);
            w.u16(upgrade.rules_version);
        }
    }
    void members(const char*, const std::vector<crypto::PublicKey>& list) {
        w.count(list.size());
        for (const crypto::PublicKey& key : list) w.fixed(key);
    }
    void sources(const char*, const std::vector<TextSource>& list) {
        w.count(list.size());
        for (const TextSource& source : list) {
            w.text(source.name);
            w.u32(source.judge_tokens);
            w.u32(source.report_tokens);
        }
    }
};

struct DecodeFields {
    Reader& r;

    void begin(const char*) {}
    void end() {}
    void number(const char*, std::uint16_t& value, std::uint64_t, std::uint64_t) {
        value = r.u16();
    }
    void number(const char*, std::uint32_t& value, std::uint64_t, std::uint64_t) {
        value = r.u32();
    }
    void number(const char*, std::uint64_t& value, std::uint64_t, std::uint64_t) {
        value = r.u64();
    }
    void flag(const char* name, bool& value) {
        const std::uint8_t byte = r.u8();
        if (byte > 1) r.fail(std::string(name) + " must be 0 or 1");
        value = byte == 1;
    }
    void text(const char*, std::string& value) { value = r.text(kMaxName); }
    void hash(const char*, Hash256& value) { value = r.fixed<32>(); }
    void codec_kind(const char*, CodecKind& value) {
        const std::uint8_t byte = r.u8();
        if (byte >= std::size(kCodecNames))
            r.fail("codec.kind " + std::to_string(byte) + " is not known to this program");
        value = static_cast<CodecKind>(byte);
    }
    void work(const char* name, WorkFunction& value) {
        const std::uint8_t byte = r.u8();
        if (byte > static_cast<std::uint8_t>(WorkFunction::kArgon2id))
            r.fail(std::string(name) + " " + std::to_string(byte) +
                   " is not known to this program");
        value = static_cast<WorkFunction>(byte);
    }
    void optimiser(const char* name, Optimiser& value) {
        const std::uint8_t byte = r.u8();
        if (byte > static_cast<std::uint8_t>(Optimiser::kSgd))
            r.fail(std::string(name) + " " + std::to_string(byte) +
                   " is not known to this program");
        value = static_cast<Optimiser>(byte);
    }
    void upgrades(const char*, std::vector<Upgrade>& list) {
        list.resize(r.count(kMaxUpgrades, 8));
        for (Upgrade& upgrade : list) {
            upgrade.height = r.u32();
            upgrade.numerics_version = r.u16();
            upgrade.rules_version = r.u16();
        }
    }
    void members(const char*, std::vector<crypto::PublicKey>& list) {
        list.resize(r.count(kMaxMembers, 32));
        for (crypto::PublicKey& key : list) key = r.fixed<32>();
    }
    void sources(const char*, std::vector<TextSource>& list) {
        list.resize(r.count(kMaxSources, 12));
        for (TextSource& source : list) {
            source.name = r.text(kMaxName);
            source.judge_tokens = r.u32();
            source.report_tokens = r.u32();
        }
    }
};

/// The bytes of an extension, unless all that it holds has its default.
template <typename N, typename Fields>
std::optional<Bytes> extension_bytes(const N& network, const Fields& visit) {
    const auto bytes_of = [&visit](const N& from) {
        Writer writer;
        EncodeFields visitor{writer};
        visit(from, visitor);
        return std::move(writer).take();
    };
    Bytes bytes = bytes_of(network);
    if (bytes == bytes_of(N{})) return std::nullopt;
    return bytes;
}

struct Extension {
    std::uint16_t id = 0;
    Bytes bytes;
};

/// Visits a list of extensions, such as visit_extensions(), and keeps those that say something.
struct EncodeExtensions {
    std::vector<Extension> list;

    template <typename N, typename Fields>
    void extension(std::uint16_t id, const N& network, const Fields& visit) {
        CHECK(list.empty() || list.back().id < id);
        if (auto bytes = extension_bytes(network, visit)) list.push_back({id, std::move(*bytes)});
    }
};

/// Visits the same list and sets what `list` holds. finish() is then what was wrong.
class DecodeExtensions {
  public:
    explicit DecodeExtensions(std::vector<Extension> list) : list_(std::move(list)) {}

    template <typename N, typename Fields>
    void extension(std::uint16_t id, N& network, const Fields& visit) {
        if (next_ == list_.size() || list_[next_].id != id || !status_.ok()) return;
        Reader reader(list_[next_].bytes);
        DecodeFields visitor{reader};
        visit(network, visitor);
        ++next_;
        status_ = reader.finish();
        if (status_.ok() && !extension_bytes(network, visit))
            status_ = invalid("network definition: extension " + std::to_string(id) +
                              " has its default; it must be left out");
    }
    Status finish() const;

  private:
    std::vector<Extension> list_;
    std::size_t next_ = 0;  // ids ascend on both sides
    Status status_ = ok_status();
};

void write_extensions(Writer& writer, const std::vector<Extension>& list);
std::vector<Extension> read_extensions(Reader& reader);

}  // namespace cairn::chain::fields
