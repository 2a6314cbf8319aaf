// Proves that every block format of GGUF is read as llama.cpp reads it, bit for bit: rows that its
// own quantiser wrote (tools/peers/block-vectors prints this table), and a checksum of the floats
// that its library makes of them. tools/peers/blocks-equal does the same for whole files.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/files.h"
#include "formats/format_test_models.h"
#include "formats/gguf_model.h"
#include "formats/gguf_writer.h"

namespace cairn::formats {
namespace {

struct Row {
    const char* type;
    std::uint32_t number;  // in a file
    std::size_t cols;
    std::uint64_t checksum;
    const char* bytes;
};

// clang-format off
constexpr Row kRows[] = {
    {"Q8_0", 8, 32, 0x6db62d6211e166a5,
     "5c2a060704ff01fb071bfdfa110e09ed051bd8f6bed5b9fccd120efd81ea030caae9"},
    {"Q4_0", 2, 32, 0x9b4a4400836e95a5,
     "14b8a81857c87756884887470ab764ab75e7"},
    {"Q4_K", 12, 256, 0x9979b824441789e5,
     "24222a2f85d0d4d881cbcc921affbfa645963a2b725489f055679b997676a6ac448589469650c7948e6b"
     "870b359e07bb30aae41a77510cbd878656a36b753724f451ad866b57b4657487e5c5a0531fd4abb77a8b"
     "7b7ba68db4bbfa6bce9da4628bc498ab92d0a93887480582e7a4627a5d6a09f9c9ccbb8a967b778de5a9"
     "79555ffea88c6a307ac9697578890d7a49ce"},
    {"Q5_K", 13, 256, 0x3355017858a2afc5,
     "d11d712f87d1d5e042c890d1b708dbffac75edf0e44480d893abe604d4e4e080b786a185e55983e6b4a0"
     "1c85ed60b820eac0e5fcbadeedc800880cdc38ff17483a25c80ca0732ffbe8704eccb744e548fbbb8b8e"
     "e601af4f3847f851949ac49c64a64f2cc44709da77404f889f6e0fb74a244e34ffc78fc0a7798fc29507"
     "c20f69b3a6b90683c9c98409c35705202f2d28e0301a6ec07b604c2ba0899570828f0b39bf9c7290a6f1"
     "e67c8ed041028f9d"},
    {"Q6_K", 14, 256, 0xc57e6cdf6f2a5765,
     "de2784a42ee0e03223ee18dccd5087a99487ca121d582dd40e3ac4ae9fe99db1f823045d4f4722a136ef"
     "011fd7eceb42622b0f610dab28193bf7686d0d200d8fd3654093c5037c94e0d7a372f7d879b23a0dc194"
     "76827fc3f895613be395772c290f83cf36d7877e72708a1338a86f1fe2dd342f0d73e06f8177f53d01b2"
     "4b9da1592c39c4488ca1c959cd6c6c19e88d99a49060d4a5a402464059148695615a7596685479491f55"
     "6261f186ab51d6265985d8879aab63b6588555590aa49684f6f415e3ead31ebdc742baa94852af800418"},
    {"Q4_1", 3, 32, 0x9655f6c31c2ee9a5,
     "05393cc044136424031393518223841430f38615"},
    {"Q5_0", 6, 32, 0x21feeffd8c6b59a5,
     "a7b210084ccddf0e7c0fa37f3fbe29dd0ad5f931d92d"},
    {"Q5_1", 7, 32, 0x8d18cdfcc67d23a5,
     "f93382c4ffef3d9f54f254924679f903c6a4544afce9b31c"},
};
// clang-format on

std::uint64_t checksum(std::span<const float> floats) {
    std::uint64_t sum = 0xCBF29CE484222325ULL;
    for (const float value : floats)
        sum = (sum ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3ULL;
    return sum;
}

TEST(GgufBlocks, AreReadAsLlamaCppReadsThem) {
    for (const Row& row : kRows) {
        const Bytes bytes = from_hex(row.bytes).value();
        ASSERT_NE(ggml_type(row.number), nullptr) << row.type;
        const GgmlType& type = *ggml_type(row.number);
        EXPECT_EQ(std::string(type.name), row.type);
        ASSERT_TRUE(type.ours.has_value()) << row.type;
        EXPECT_EQ(ggml_type(*type.ours)->number, row.number) << row.type;
        std::vector<float> floats(row.cols);
        ASSERT_EQ(bytes.size(), tensor::weight_row_bytes(*type.ours, row.cols)) << row.type;
        tensor::weight_row({*type.ours, 1, row.cols, bytes.data()}, 0, floats.data());
        EXPECT_EQ(checksum(floats), row.checksum) << row.type;
    }
}

// Behind a tensor's name stand u32 dimensions, u64 extents, u32 type, u64 offset: where the type
// is.
std::size_t place_of_type(const Bytes& file, const std::string& name, std::size_t dimensions) {
    const auto at = std::search(file.begin(), file.end(), name.begin(), name.end());
    CHECK(at != file.end());
    return static_cast<std::size_t>(at - file.begin()) + name.size() + 4 + 8 * dimensions;
}

// The tensor of `name` in a GGUF of Q8_0, now of another type of smaller blocks, its bytes zero;
// those behind it move up.
void turn_into(Bytes& file, const std::string& name, const GgmlType& type) {
    const GgufHeader header = read_gguf_header(std::make_shared<MemorySource>(file)).value();
    const StoredTensor& tensor = header.tensors.at(name);
    const auto aligned = [](std::uint64_t bytes) { return (bytes + 31) / 32 * 32; };
    const std::uint64_t bytes =
        tensor.shape[0] *
        tensor::weight_row_bytes(*type.ours, static_cast<std::size_t>(tensor.shape[1]));
    const std::uint64_t less = aligned(tensor.bytes) - aligned(bytes);
    file[place_of_type(file, name, 2)] = static_cast<std::uint8_t>(type.number);
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    std::fill_n(begin, tensor.bytes, std::uint8_t{0});
    for (const auto& [other, stored] : header.tensors) {
        if (stored.offset <= tensor.offset) continue;
        std::uint8_t* field = &file[place_of_type(file, other, stored.shape.size()) + 4];
        std::uint64_t offset;
        std::memcpy(&offset, field, 8);
        offset -= less;
        std::memcpy(field, &offset, 8);
    }
    file.erase(begin, begin + static_cast<std::ptrdiff_t>(less));
}

TEST(GgufBlocks, OldOnesAreUsedAsTheyAre) {
    const model::Model model = family_model(family_configs()[0].config);
    const Scratch scratch("old.gguf");
    WriteOptions options;
    options.type = tensor::WeightType::kQ8_0;
    ASSERT_TRUE(write_gguf(model, scratch.path(), options).ok());
    const Bytes file = read_file(scratch.path(), 1U << 24).value();
    for (const char* type : {"Q5_0", "Q4_1", "Q5_1"}) {
        const Row& row = *std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) {
            return std::string_view(r.type) == type;
        });
        Bytes changed = file;
        turn_into(changed, "blk.1.ffn_up.weight", *ggml_type(row.number));
        const StoredTensor tensor = read_gguf_header(std::make_shared<MemorySource>(changed))
                                        .value()
                                        .tensors.at("blk.1.ffn_up.weight");
        EXPECT_EQ(tensor.type_name, type);
        // One block that is not zero: the second of row 3.
        const Bytes block = from_hex(row.bytes).value();
        std::copy(block.begin(), block.end(),
                  changed.begin() +
                      static_cast<std::ptrdiff_t>(
                          tensor.offset + 3 * (tensor.bytes / tensor.shape[0]) + block.size()));
        const auto loaded = read_gguf(std::make_shared<MemorySource>(changed));
        ASSERT_TRUE(loaded.ok()) << type << ": " << loaded.error().message;
        const tensor::Weight& weight = loaded->model.weights.layers[1].w_up;
        EXPECT_EQ(weight.type, ggml_type(row.number)->ours) << type;
        std::vector<float> values(weight.cols);
        tensor::weight_row(weight, 3, values.data());
        EXPECT_EQ(checksum(std::span(values).subspan(32, 32)), row.checksum) << type;
        EXPECT_EQ(values[0], 0.0F);
        tensor::weight_row(weight, 2, values.data());
        EXPECT_EQ(values[32], 0.0F);
    }
}

}  // namespace
}  // namespace cairn::formats
