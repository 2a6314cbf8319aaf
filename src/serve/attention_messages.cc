#include "serve/attention_messages.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace cairn::serve {

static_assert(std::endian::native == std::endian::little, "rows lie as they do in memory");

std::size_t max_asked_heads(std::size_t rows, std::size_t width) {
    const unsigned log = argument::padded_log(rows);
    const std::size_t answer = Hash256::kSize + largest_claim_bytes(rows, width);
    return std::min(std::clamp<std::size_t>(kMaxAskedPairs >> 2 * log, 1, kMaxAskedHeads),
                    kMaxAnsweredBytes / answer);
}

Bytes encode(const AttentionQuestion& question) {
    CHECK(question.heads.size() <= kMaxAskedHeads && question.rows.size() <= kMaxPushFloats);
    Writer writer;
    encode(question.terms, writer);
    encode(question.receipt, writer);
    writer.count(question.heads.size());
    for (const audit::HeadPlace& place : question.heads) {
        writer.u32(place.layer);
        writer.u32(place.head);
    }
    writer.count(question.rows.size());
    writer.raw(
        {reinterpret_cast<const std::uint8_t*>(question.rows.data()), question.rows.size() * 4});
    return std::move(writer).take();
}

Result<AttentionQuestion> decode_attention_question(ByteView body) {
    Reader reader(body);
    AttentionQuestion question;
    question.terms = decode_terms(reader);
    question.receipt = decode_receipt(reader);
    const std::size_t heads = reader.count(kMaxAskedHeads, 8);
    if (heads == 0) reader.fail("a question for no head");
    for (std::size_t i = 0; i < heads; ++i) {
        const std::uint32_t layer = reader.u32();
        const audit::HeadPlace place{layer, reader.u32()};
        if (i > 0 && place <= question.heads.back()) reader.fail("heads must ascend");
        question.heads.push_back(place);
    }
    const std::size_t floats = reader.count(kMaxPushFloats, 4);
    if (floats == 0) reader.fail("a question without rows");
    const ByteView rows = reader.raw(floats * 4);
    RETURN_IF_ERROR(reader.finish());
    question.rows.resize(floats);
    std::memcpy(question.rows.data(), rows.data(), rows.size());
    return question;
}

Bytes encode(const AttentionAnswer& answer) {
    Writer writer;
    writer.fixed(answer.session);
    encode(answer.claim, writer);
    return std::move(writer).take();
}

Result<AttentionAnswer> decode_attention_answer(ByteView body) {
    Reader reader(body);
    AttentionAnswer answer;
    answer.session = reader.fixed<32>();
    answer.claim = decode_claim(reader);
    RETURN_IF_ERROR(reader.finish());
    return answer;
}

}  // namespace cairn::serve
