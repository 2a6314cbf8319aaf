#include "serve/messages.h"

#include <algorithm>
#include <cmath>

namespace cairn::serve {

namespace {

void encode_push(const Push& message, Writer& writer) {
    writer.fixed(message.session);
    writer.u32(message.position);
    writer.u32(message.tokens);
    writer.u8(static_cast<std::uint8_t>(message.type));
    writer.u8(message.quiet ? 1 : 0);
    const std::size_t dim = message.tokens == 0 ? 0 : message.states.size() / message.tokens;
    if (dim == 0 || dim * message.tokens != message.states.size()) return writer.count(0);
    Bytes packed(message.tokens * tensor::state_row_bytes(message.type, dim));
    tensor::pack_states(message.type, dim, message.states, packed);
    writer.count(packed.size());
    writer.raw(packed);
}

// How wide a row of so many bytes is; 0: no row has so many.
std::size_t width_of(tensor::StateType type, std::size_t bytes) {
    for (const std::size_t dim : {bytes / 4, bytes / 2, bytes - std::min<std::size_t>(bytes, 4)})
        if (dim > 0 && tensor::state_row_bytes(type, dim) == bytes) return dim;
    return 0;
}

Push decode_push(Reader& reader) {
    Push message;
    message.session = reader.fixed<32>();
    message.position = reader.u32();
    message.tokens = reader.u32();
    if (message.tokens == 0 || message.tokens > kMaxPushTokens)
        reader.fail("a push has 1 to 256 tokens");
    const std::uint8_t type = reader.u8();
    if (type > tensor::kLastStateType) reader.fail("unknown wire type");
    message.type = static_cast<tensor::StateType>(type);
    const std::uint8_t quiet = reader.u8();
    if (quiet > 1) reader.fail("quiet is 0 or 1");
    message.quiet = quiet == 1;
    const ByteView raw = reader.raw(reader.count(kMaxPushFloats * sizeof(float), 1));
    if (reader.failed() || raw.empty()) return message;
    const std::size_t dim =
        raw.size() % message.tokens == 0 ? width_of(message.type, raw.size() / message.tokens) : 0;
    if (dim == 0 || message.tokens * dim > kMaxPushFloats) {
        reader.fail("the states are not a whole number of rows");
        return message;
    }
    message.states.resize(message.tokens * dim);
    if (!tensor::unpack_states(message.type, dim, raw, message.states))
        reader.fail("the states are packed as nobody packs them");
    return message;
}

}  // namespace

std::size_t max_push_tokens(std::uint32_t dim) {
    CHECK(dim > 0 && dim <= kMaxPushFloats);
    return std::min(kMaxPushTokens, kMaxPushFloats / dim);
}

const char* refusal_name(Refusal refusal) {
    switch (refusal) {
        case Refusal::kBusy:
            return "busy";
        case Refusal::kWrongModel:
            return "wrong model";
        case Refusal::kWrongLayers:
            return "wrong layers";
        case Refusal::kUnsupported:
            return "unsupported";
        case Refusal::kBadRequest:
            return "bad request";
        case Refusal::kUnknownSession:
            return "unknown session";
        case Refusal::kNotFinite:
            return "not finite";
        case Refusal::kExpired:
            return "expired";
        case Refusal::kUnpaid:
            return "unpaid";
    }
    return "unknown";
}

Bytes encode(const OpenSession& message) {
    Writer writer;
    encode(message.terms, writer);
    encode(message.layers, writer);
    writer.u8(message.payment ? 1 : 0);
    if (message.payment) encode(*message.payment, writer);
    return std::move(writer).take();
}

Result<OpenSession> decode_open_session(ByteView body) {
    Reader reader(body);
    OpenSession message;
    message.terms = decode_terms(reader);
    message.layers = decode_layers(reader);
    const std::uint8_t paid = reader.u8();
    if (paid > 1) reader.fail("paid is 0 or 1");
    if (paid == 1) message.payment = decode_session_payment(reader);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const SessionProblem& message) {
    Writer writer;
    writer.fixed(message.session);
    writer.u8(static_cast<std::uint8_t>(message.refusal));
    writer.text(std::string_view(message.reason).substr(0, kMaxReasonBytes));
    return std::move(writer).take();
}

Result<SessionProblem> decode_session_problem(ByteView body) {
    Reader reader(body);
    SessionProblem message;
    message.session = reader.fixed<32>();
    const std::uint8_t refusal = reader.u8();
    if (refusal == 0 || refusal > kLastRefusal) reader.fail("unknown kind of refusal");
    message.refusal = static_cast<Refusal>(refusal);
    message.reason = reader.text(kMaxReasonBytes);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Push& message) {
    Writer writer;
    encode_push(message, writer);
    return std::move(writer).take();
}

Result<Push> decode_push(ByteView body) {
    Reader reader(body);
    Push message = decode_push(reader);
    if (message.states.empty()) reader.fail("a push has states");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const PushResult& message) {
    Writer writer;
    encode(message.receipt, writer);
    encode_push(message.push, writer);
    return std::move(writer).take();
}

Result<PushResult> decode_result(ByteView body) {
    Reader reader(body);
    PushResult message;
    message.receipt = decode_receipt(reader);
    message.push = decode_push(reader);
    if (message.push.states.empty() != message.push.quiet)
        reader.fail("a result has states unless they were not wanted");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Progress& message) {
    Writer writer;
    writer.fixed(message.session);
    writer.u64(message.received);
    writer.u64(message.computed);
    return std::move(writer).take();
}

Result<Progress> decode_progress(ByteView body) {
    Reader reader(body);
    Progress message;
    message.session = reader.fixed<32>();
    message.received = reader.u64();
    message.computed = reader.u64();
    if (message.computed > message.received) reader.fail("more computed than received");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode_ask_announce(const Hash256& model) {
    return model.is_zero() ? Bytes() : encode_session_id(model);
}

Result<Hash256> decode_ask_announce(ByteView body) {
    if (body.empty()) return Hash256{};
    return decode_session_id(body);
}

Bytes encode(const VoucherGiven& message) {
    Writer writer;
    writer.fixed(message.session);
    writer.u64(message.amount);
    writer.fixed(message.signature);
    return std::move(writer).take();
}

Result<VoucherGiven> decode_voucher_given(ByteView body) {
    Reader reader(body);
    VoucherGiven message;
    message.session = reader.fixed<32>();
    message.amount = reader.u64();
    message.signature = reader.fixed<64>();
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode_session_id(const Hash256& session) {
    return Bytes(session.bytes.begin(), session.bytes.end());
}

Result<Hash256> decode_session_id(ByteView body) {
    Reader reader(body);
    const Hash256 session = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return session;
}

bool send(net::Network& network, net::PeerId peer, MessageKind kind, ByteView body) {
    return network.send(peer, static_cast<std::uint16_t>(kind), body);
}

Status check_finite(std::span<const float> states, std::size_t dim) {
    for (std::size_t i = 0; i < states.size(); ++i) {
        if (!std::isfinite(states[i]))
            return invalid("the activation in row " + std::to_string(i / dim) + ", column " +
                           std::to_string(i % dim) +
                           (std::isnan(states[i]) ? " is NaN" : " is infinite"));
    }
    return ok_status();
}

}  // namespace cairn::serve
