#include "argument/proof.h"

#include "argument/fractions.h"
#include "argument/statement.h"
#include "argument/weighing.h"
#include "base/encoding.h"

namespace cairn::argument {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFpBytes = 8;

void write(Writer& writer, const Fp2& element) {
    writer.u64(element.a.value());
    writer.u64(element.b.value());
}

/// All at once: most of a proof is numbers.
std::vector<Fp> read_numbers(Reader& reader, std::size_t count) {
    std::vector<Fp> numbers;
    if (reader.remaining() / kFpBytes < count) {
        reader.fail("a proof that is too short");
        return numbers;
    }
    const ByteView bytes = reader.raw(count * kFpBytes);
    numbers.reserve(count);
    for (std::size_t at = 0; at < bytes.size(); at += kFpBytes) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < kFpBytes; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
        if (value >= kPrime) reader.fail("a number that is not below the prime");
        numbers.push_back(Fp(value));
    }
    return numbers;
}

std::vector<Fp2> read_elements(Reader& reader, std::size_t count) {
    const std::vector<Fp> numbers = read_numbers(reader, 2 * count);
    std::vector<Fp2> elements;
    elements.reserve(count);
    for (std::size_t i = 0; i < numbers.size(); i += 2)
        elements.emplace_back(numbers[i], numbers[i + 1]);
    return elements;
}

}  // namespace

MatrixShape matrix_shape(unsigned log) { return {log - 1, log + 4}; }

std::size_t message_elements(unsigned log) {
    return fraction_elements(tensor::kDigitCount, 2 * log) + kColumns + 2 * log * kWeighingDegree +
           kColumns;
}

std::size_t largest_proof_bytes(std::size_t rows) {
    const unsigned log = padded_log(rows);
    const MatrixShape shape = matrix_shape(log);
    const std::size_t column_bytes = kFpBytes * shape.rows() + Hash256::kSize * shape.branch_size();
    return 1 + 2 + Hash256::kSize + 8 * rows + 4 * kTableEntries +
           2 * kFpBytes * (message_elements(log) + 2 * shape.columns()) + 1 +
           kQueries * column_bytes;
}

Bytes encode(const Proof& proof) {
    Writer writer;
    writer.u8(kVersion);
    writer.u16(proof.rows);
    writer.fixed(proof.root);
    for (const std::uint64_t sum : proof.row_sums) writer.u64(sum);
    for (const std::uint32_t count : proof.multiplicities) writer.u32(count);
    for (const auto* part : {&proof.messages, &proof.value_row, &proof.random_row})
        for (const Fp2& element : *part) write(writer, element);
    writer.u8(static_cast<std::uint8_t>(proof.columns.size()));
    for (const OpenColumn& column : proof.columns) {
        for (const Fp value : column.values) writer.u64(value.value());
        for (const Hash256& hash : column.branch) writer.fixed(hash);
    }
    return std::move(writer).take();
}

Result<Proof> decode_proof(ByteView bytes) {
    if (bytes.size() > kMaxProofBytes) return invalid("a proof that is too long");
    Reader reader(bytes);
    if (reader.u8() != kVersion) return invalid("a proof of an unknown version");
    Proof proof;
    proof.rows = reader.u16();
    if (proof.rows < 1 || proof.rows > kMaxRows)
        return invalid("a proof of too many rows, or none");
    const unsigned log = padded_log(proof.rows);
    const MatrixShape shape = matrix_shape(log);
    proof.root = reader.fixed<32>();
    for (std::size_t i = 0; i < proof.rows; ++i) proof.row_sums.push_back(reader.u64());
    for (std::size_t i = 0; i < kTableEntries; ++i) proof.multiplicities.push_back(reader.u32());
    proof.messages = read_elements(reader, message_elements(log));
    proof.value_row = read_elements(reader, shape.columns());
    proof.random_row = read_elements(reader, shape.columns());
    const std::size_t count = reader.u8();
    if (count < 1 || count > kQueries) reader.fail("a proof that opens too many columns, or none");
    const std::size_t column_bytes = 8 * shape.rows() + Hash256::kSize * shape.branch_size();
    if (!reader.failed() && reader.remaining() != count * column_bytes)
        reader.fail("a proof of another length");
    if (reader.failed()) return reader.finish().error();
    proof.columns.resize(count);
    for (OpenColumn& column : proof.columns) {
        column.values = read_numbers(reader, shape.rows());
        for (std::size_t i = 0; i < shape.branch_size(); ++i)
            column.branch.push_back(reader.fixed<32>());
    }
    RETURN_IF_ERROR(reader.finish());
    return proof;
}

}  // namespace cairn::argument
