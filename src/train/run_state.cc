#include "train/run_state.h"

#include <bit>
#include <cmath>

#include "base/encoding.h"
#include "base/foreign_file.h"
#include "model/encoder_decoder.h"
#include "text/tokenizer.h"

namespace cairn::train {

namespace {

constexpr std::string_view kMagic = "CAIRNRUN";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kEncoderDecoderVersion = 2;
constexpr std::size_t kMaxTexts = 4096;
constexpr std::size_t kMaxPath = 4096;

void encode(const RunOptions& options, Writer& writer) {
    writer.text(options.model);
    writer.count(options.texts.size());
    for (const std::string& text : options.texts) writer.text(text);
    writer.text(options.valid);
    writer.text(options.log);
    writer.u64(options.valid_every);
    writer.u64(options.valid_windows);
    writer.u64(options.save_every);
    writer.u64(std::bit_cast<std::uint64_t>(options.minutes));
}

double read_double(Reader& reader) {
    const double value = std::bit_cast<double>(reader.u64());
    if (!std::isfinite(value)) reader.fail("a value that is not finite");
    return value;
}

RunOptions decode_options(Reader& reader) {
    RunOptions options;
    options.model = reader.text(4 * kMaxPath);
    options.texts.resize(reader.count(kMaxTexts, 4));
    for (std::string& text : options.texts) text = reader.text(kMaxPath);
    options.valid = reader.text(kMaxPath);
    options.log = reader.text(kMaxPath);
    options.valid_every = reader.u64();
    options.valid_windows = reader.u64();
    options.save_every = reader.u64();
    options.minutes = read_double(reader);
    return options;
}

void encode(const EncoderDecoderRun& run, Writer& writer) {
    model::encode(run.encoder, writer);
    writer.count(run.begins.size());
    for (const std::uint32_t token : run.begins) writer.u32(token);
    writer.u64(run.tokens);
}

Result<EncoderDecoderRun> decode_encoder_decoder(Reader& reader) {
    EncoderDecoderRun run;
    ASSIGN_OR_RETURN(run.encoder, model::decode_config(reader));
    run.begins.resize(reader.count(model::kMaxBegins, 4));
    for (std::uint32_t& token : run.begins) token = reader.u32();
    run.tokens = reader.u64();
    RETURN_IF_ERROR(reader.status());
    return run;
}

Result<RunState> decode_fields(Reader& reader, std::uint32_t version) {
    RunState state;
    if (version == kEncoderDecoderVersion) {
        ASSIGN_OR_RETURN(state.encoder_decoder, decode_encoder_decoder(reader));
        ASSIGN_OR_RETURN(state.config, model::decode_config(reader, model::Crossing::kTaken));
        RETURN_IF_ERROR(model::check_encoder_decoder(state.encoder_decoder->encoder, state.config));
        RETURN_IF_ERROR(model::check_begins(state.encoder_decoder->begins, state.config));
    } else {
        ASSIGN_OR_RETURN(state.config, model::decode_config(reader));
    }
    state.tokenizer = reader.bytes(text::kMaxTokenizerBytes);
    ASSIGN_OR_RETURN(state.recipe, decode_recipe(reader));
    state.options = decode_options(reader);
    state.text_hash = reader.fixed<32>();
    state.elapsed_us = reader.u64();
    state.first_loss = read_double(reader);
    const std::uint64_t size = reader.u64();
    if (size > reader.remaining()) reader.fail("ends too early");
    const ByteView trainer = reader.raw(reader.failed() ? 0 : static_cast<std::size_t>(size));
    RETURN_IF_ERROR(reader.finish());
    state.trainer.assign(trainer.begin(), trainer.end());
    return state;
}

}  // namespace

Hash256 hash_tokens(std::span<const std::uint32_t> tokens) {
    static_assert(std::endian::native == std::endian::little);
    return crypto::sha256(
        {reinterpret_cast<const std::uint8_t*>(tokens.data()), tokens.size_bytes()});
}

Bytes encode_run_state(const RunState& state) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(state.encoder_decoder ? kEncoderDecoderVersion : kVersion);
    if (state.encoder_decoder) encode(*state.encoder_decoder, writer);
    model::encode(state.config, writer);
    writer.bytes(state.tokenizer);
    encode(state.recipe, writer);
    encode(state.options, writer);
    writer.fixed(state.text_hash);
    writer.u64(state.elapsed_us);
    writer.u64(std::bit_cast<std::uint64_t>(state.first_loss));
    writer.u64(state.trainer.size());
    writer.raw(state.trainer);
    writer.fixed(crypto::sha256(writer.out()));
    return std::move(writer).take();
}

Result<RunState> decode_run_state(ByteView file) {
    RETURN_IF_ERROR(check_foreign("it", file, file.size()));
    if (file.size() < kMagic.size() || as_text(file.first(kMagic.size())) != kMagic)
        return invalid("not the state of a training run");
    if (file.size() < kMagic.size() + 4 + Hash256::size())
        return invalid("the state of the training run ends too early");
    const ByteView body = file.first(file.size() - Hash256::size());
    Reader reader(body.subspan(kMagic.size()));
    const std::uint32_t version = reader.u32();
    if (version != kVersion && version != kEncoderDecoderVersion)
        return Error{ErrorCode::kUnsupported,
                     "the state of a training run of another version of this program"};
    Reader stored(file.last(Hash256::size()));
    if (stored.fixed<32>() != crypto::sha256(body))
        return invalid("the state of the training run is damaged or incomplete");
    return decode_fields(reader, version);
}

}  // namespace cairn::train
