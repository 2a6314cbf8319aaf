#include "trust/audit_book.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>

#include "base/disk.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace cairn::trust {

namespace {

constexpr std::string_view kMagic = "CAIRNAUD";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMinPageBytes = 32 + 4 + 32 + 8 + 32 + 8 + 8;

std::string cut(std::string text) {
    if (text.size() > AuditBook::kMaxText) text.resize(AuditBook::kMaxText);
    return text;
}

void number(Writer& writer, double value) { writer.u64(std::bit_cast<std::uint64_t>(value)); }

double number(Reader& reader) {
    const auto value = std::bit_cast<double>(reader.u64());
    if (std::isfinite(value) && !std::signbit(value)) return value;
    reader.fail("a count of audits is not a number from 0 on");
    return 0;
}

void encode_page(Writer& writer, const ServerPage& page) {
    writer.text(page.address);
    writer.fixed(page.model);
    writer.u32(page.first_layer);
    writer.u32(page.end_layer);
    number(writer, page.counts.right);
    number(writer, page.counts.wrong);
    number(writer, page.counts.unanswered);
    writer.u64(page.counts.at_ms);
    writer.u64(page.audits);
    writer.text(page.last);
    writer.text(page.convicted);
}

ServerPage decode_page(Reader& reader) {
    ServerPage page;
    page.address = reader.text(AuditBook::kMaxText);
    page.model = reader.fixed<32>();
    page.first_layer = reader.u32();
    page.end_layer = reader.u32();
    if (page.first_layer >= page.end_layer) reader.fail("a server without layers");
    page.counts.right = number(reader);
    page.counts.wrong = number(reader);
    page.counts.unanswered = number(reader);
    page.counts.at_ms = reader.u64();
    page.audits = reader.u64();
    page.last = reader.text(AuditBook::kMaxText);
    page.convicted = reader.text(AuditBook::kMaxText);
    return page;
}

}  // namespace

void AuditBook::enter(const crypto::PublicKey& server, const ServerPage& what, Finding finding,
                      const std::string& sentence, std::uint64_t now_ms, const TrustRules& rules) {
    CHECK(what.first_layer < what.end_layer);
    if (!pages_.contains(server) && pages_.size() >= kMaxServers) {
        const auto is_convicted = [](const auto& entry) { return !entry.second.convicted.empty(); };
        const auto convicted =
            static_cast<std::size_t>(std::ranges::count_if(pages_, is_convicted));
        const bool these_first = convicted > kMaxServers / 2;
        pages_.erase(std::ranges::min_element(pages_, {}, [&](const auto& entry) {
            return std::pair(is_convicted(entry) != these_first, entry.second.counts.at_ms);
        }));
    }
    ServerPage& page = pages_[server];
    page.address = cut(what.address);
    page.model = what.model;
    page.first_layer = what.first_layer;
    page.end_layer = what.end_layer;
    page.counts.fade(now_ms, rules.halflife_days);
    ++page.audits;
    page.last = cut(sentence);
    page.counts.add(finding);
    if (finding == Finding::kConvicted && page.convicted.empty()) page.convicted = page.last;
}

const ServerPage* AuditBook::find(const crypto::PublicKey& server) const {
    const auto found = pages_.find(server);
    return found == pages_.end() ? nullptr : &found->second;
}

Standing AuditBook::standing(const crypto::PublicKey& server, std::uint64_t now_ms,
                             const TrustRules& rules) const {
    const ServerPage* page = find(server);
    if (page == nullptr) return standing_of({}, "", 1, 1, rules);
    std::uint32_t most = page->layers();
    for (const auto& [key, other] : pages_)
        if (other.model == page->model) most = std::max(most, other.layers());
    AuditCounts counts = page->counts;
    counts.fade(now_ms, rules.halflife_days);
    return standing_of(counts, page->convicted, page->layers(), most, rules);
}

Bytes AuditBook::encode() const {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    writer.count(pages_.size());
    for (const auto& [key, page] : pages_) {
        writer.fixed(key);
        encode_page(writer, page);
    }
    const Hash256 sum = crypto::sha256(writer.out());
    writer.fixed(sum);
    return std::move(writer).take();
}

Result<AuditBook> AuditBook::decode(ByteView bytes) {
    if (bytes.size() < kMagic.size() + 32 || bytes.size() > kMaxFileBytes)
        return invalid("this is no book of audits");
    const ByteView body = bytes.first(bytes.size() - 32);
    const Hash256 sum = crypto::sha256(body);
    if (!std::ranges::equal(sum.view(), bytes.last(32)))
        return invalid("the book of audits is damaged");
    Reader reader(body);
    if (!std::ranges::equal(reader.raw(kMagic.size()), as_bytes(kMagic)))
        return invalid("this is no book of audits");
    if (reader.u32() != kVersion) return invalid("a book of audits of another version");
    AuditBook book;
    const std::size_t count = reader.count(kMaxServers, kMinPageBytes);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        const auto key = reader.fixed<32>();
        if (!book.pages_.empty() && key <= book.pages_.rbegin()->first)
            reader.fail("servers are not in order");
        book.pages_.emplace(key, decode_page(reader));
    }
    RETURN_IF_ERROR(reader.finish());
    return book;
}

Result<AuditBook> AuditBook::read(const std::string& path) {
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind == FileKind::kNone) return AuditBook();
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, kMaxFileBytes));
    auto book = decode(bytes);
    if (!book.ok()) return book.error().with_prefix(path);
    return book;
}

Result<AuditBook> AuditBook::change(const std::string& path,
                                    const std::function<void(AuditBook&)>& change) {
    const std::filesystem::path file(path);
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    ASSIGN_OR_RETURN(const auto lock,
                     PosixDisk(folder).lock(file.filename().string() + ".lock", true));
    ASSIGN_OR_RETURN(AuditBook book, read(path));
    change(book);
    RETURN_IF_ERROR(book.write(path));
    return book;
}

Status AuditBook::write(const std::string& path) const { return write_file(path, encode()); }

}  // namespace cairn::trust
