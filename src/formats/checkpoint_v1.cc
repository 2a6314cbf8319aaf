#include "formats/checkpoint_v1.h"

#include <algorithm>

#include <fmt/core.h>

#include "text/tokenizer.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kChecksumBytes = 8;

Status check_checksum(const Source& source) {
    if (source.size() < kChecksumBytes) return invalid("ends too early");
    const std::uint64_t body = source.size() - kChecksumBytes;
    Bytes stored(kChecksumBytes);
    RETURN_IF_ERROR(source.read(body, stored));
    Bytes copy;
    ByteView bytes(source.mapped(), static_cast<std::size_t>(body));
    if (source.mapped() == nullptr) {
        copy.resize(static_cast<std::size_t>(body));
        RETURN_IF_ERROR(source.read(0, copy));
        bytes = copy;
    }
    if (Reader(stored).u64() != checkpoint_checksum(bytes))
        return invalid("the checksum does not match: the file is damaged or incomplete");
    return ok_status();
}

}  // namespace

Status check_tokenizer(ByteView file, const model::ModelConfig& config) {
    if (file.empty()) return ok_status();
    ASSIGN_OR_RETURN(const auto tokenizer, text::parse_tokenizer(file));
    if (tokenizer->vocab_size() > config.vocab)
        return invalid("its tokenizer has more tokens than its vocabulary");
    return ok_status();
}

Result<model::Model> read_checkpoint_v1(const Source& source, Reader& reader,
                                        std::size_t header_bytes) {
    RETURN_IF_ERROR(check_checksum(source));
    ASSIGN_OR_RETURN(const model::ModelConfig config, model::decode_config(reader));
    Bytes tokenizer = reader.bytes(text::kMaxTokenizerBytes);
    const std::uint64_t count = reader.u64();
    RETURN_IF_ERROR(reader.status());
    const model::ParameterLayout layout(config);
    const std::uint64_t offset = header_bytes - reader.remaining();
    if (count != layout.size() || source.size() != offset + 4 * count + kChecksumBytes)
        return invalid(fmt::format("{} parameters in {} bytes do not fit its shape, which has {}",
                                   count, source.size(), layout.size()));
    RETURN_IF_ERROR(check_tokenizer(tokenizer, config));
    std::vector<float> parameters(layout.size());
    RETURN_IF_ERROR(source.read_floats(offset, parameters));
    RETURN_IF_ERROR(model::check_finite(layout, parameters));
    return model::make_model(config, std::move(parameters), std::move(tokenizer));
}

}  // namespace cairn::formats
