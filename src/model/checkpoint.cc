#include "model/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>

#include "base/disk.h"
#include "model/tokenizer.h"

namespace cairn::model {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kConfigBytes = 76;  // the longest
constexpr std::size_t kMaxHeaderBytes = 8 + 4 + kConfigBytes + 4 + kMaxTokenizerBytes + 8;

// In the manner of FNV-1a, over little-endian 64-bit words, the last one filled with zeros. Each
// step is a bijection of the state, so damage within one word is always seen.
class Checksum {
  public:
    // All pieces but the last must be multiples of eight bytes long.
    void add(ByteView bytes) {
        while (!bytes.empty()) {
            const std::size_t n = std::min<std::size_t>(bytes.size(), 8);
            std::uint64_t word = 0;
            for (std::size_t i = 0; i < n; ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
            state_ = (state_ ^ word) * 0x100000001B3U;
            state_ ^= state_ >> 32;
            bytes = bytes.subspan(n);
        }
    }
    std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0xCBF29CE484222325U;
};

Result<std::uint64_t> checksum_of(const Source& source, std::uint64_t size) {
    Checksum checksum;
    Bytes piece(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < size; at += piece.size()) {
        piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at)));
        RETURN_IF_ERROR(source.read(at, piece));
        checksum.add(piece);
    }
    return checksum.value();
}

Status check_checksum(const Source& source) {
    if (source.size() < kChecksumBytes) return invalid("ends too early");
    const std::uint64_t body = source.size() - kChecksumBytes;
    Bytes stored(kChecksumBytes);
    RETURN_IF_ERROR(source.read(body, stored));
    ASSIGN_OR_RETURN(const std::uint64_t computed, checksum_of(source, body));
    if (Reader(stored).u64() != computed)
        return invalid("the checksum does not match: the file is damaged or incomplete");
    return ok_status();
}

Result<Model> read_checked(const Source& source) {
    ASSIGN_OR_RETURN(const Bytes header, source.head(kMaxHeaderBytes));
    Reader reader(header);
    if (as_text(reader.raw(kCheckpointMagic.size())) != kCheckpointMagic)
        return invalid("not a Cairn checkpoint");
    const std::uint32_t version = reader.u32();
    if (!reader.failed() && version != kVersion)
        return Error{
            ErrorCode::kUnsupported,
            fmt::format("checkpoint version {}, this program reads {}", version, kVersion)};
    RETURN_IF_ERROR(check_checksum(source));
    ASSIGN_OR_RETURN(const ModelConfig config, decode_config(reader));
    Bytes tokenizer_file = reader.bytes(kMaxTokenizerBytes);
    const std::uint64_t count = reader.u64();
    RETURN_IF_ERROR(reader.status());
    const ParameterLayout layout(config);
    const std::uint64_t offset = header.size() - reader.remaining();
    if (count != layout.size() || source.size() != offset + 4 * count + kChecksumBytes)
        return invalid(fmt::format("{} parameters in {} bytes do not fit its shape, which has {}",
                                   count, source.size(), layout.size()));
    if (!tokenizer_file.empty()) {
        ASSIGN_OR_RETURN(const auto tokenizer, parse_tokenizer(tokenizer_file));
        if (tokenizer->vocab_size() > config.vocab)
            return invalid("its tokenizer has more tokens than its vocabulary");
    }
    std::vector<float> parameters(layout.size());
    RETURN_IF_ERROR(source.read_floats(offset, parameters));
    RETURN_IF_ERROR(check_finite(layout, parameters));
    return make_model(config, std::move(parameters), std::move(tokenizer_file));
}

}  // namespace

std::uint64_t checkpoint_checksum(ByteView bytes) {
    Checksum checksum;
    checksum.add(bytes);
    return checksum.value();
}

Result<Bytes> encode_checkpoint(const Model& model) {
    const ParameterLayout layout(model.config);
    const std::vector<float> parameters = dense_parameters(model);
    CHECK(model.tokenizer.size() <= kMaxTokenizerBytes);
    RETURN_IF_ERROR(check_finite(layout, parameters));
    Writer writer;
    writer.raw(as_bytes(kCheckpointMagic));
    writer.u32(kVersion);
    encode(model.config, writer);
    writer.bytes(model.tokenizer);
    writer.u64(layout.size());
    writer.raw({reinterpret_cast<const std::uint8_t*>(parameters.data()),
                parameters.size() * sizeof(float)});
    writer.u64(checkpoint_checksum(writer.out()));
    return std::move(writer).take();
}

Result<Model> read_checkpoint(const Source& source) {
    auto model = read_checked(source);
    if (!model.ok()) return Error{model.error().code, source.name() + ": " + model.error().message};
    return model;
}

Status save_checkpoint(const Model& model, const std::string& path) {
    ASSIGN_OR_RETURN(const Bytes bytes, encode_checkpoint(model));
    const std::filesystem::path file(path);
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    return PosixDisk(folder).write_atomic(file.filename().string(), bytes);
}

}  // namespace cairn::model
