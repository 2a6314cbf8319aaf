// Fuzzes our checkpoint format behind its checksums: what is accepted as version 2 encodes to the
// same bytes, as does version 3 (an encoder-decoder), and version 1 becomes a version 2 that does.
#include <cstddef>
#include <cstdint>

#include "formats/checkpoint.h"
#include "formats/encoder_decoder_checkpoint.h"

namespace {

using namespace cairn;

void read_encoder_decoder(ByteView file) {
    const auto loaded =
        formats::read_encoder_decoder_checkpoint(std::make_shared<formats::MemorySource>(file));
    if (!loaded.ok()) return;
    const auto again = formats::encode_encoder_decoder_checkpoint(loaded->model, *loaded->encoder);
    CHECK(again.ok() && *again == Bytes(file.begin(), file.end()));
}

void read(ByteView file) {
    read_encoder_decoder(file);
    const auto model = formats::read_checkpoint(std::make_shared<formats::MemorySource>(file));
    if (!model.ok()) return;
    const auto again = formats::encode_checkpoint(*model);
    CHECK(again.ok());
    const bool version2 = file[8] == 2;
    if (version2) CHECK(*again == Bytes(file.begin(), file.end()));
    const auto back = formats::read_checkpoint(std::make_shared<formats::MemorySource>(*again));
    CHECK(back.ok() && *formats::encode_checkpoint(*back) == *again);
}

}  // namespace

// The last two bytes say where the header's checksum stands; the tensors' own are left to the
// seeds, whose data is all zeros.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Writer writer;
    writer.raw({data, size});
    writer.u64(formats::checkpoint_checksum({data, size}));
    read(writer.out());
    if (size < 2) return 0;
    const std::size_t at = data[size - 2] + std::size_t{256} * data[size - 1];
    Bytes file(data, data + size - 2);
    if (at + 8 > file.size()) return 0;
    const std::uint64_t checksum = formats::checkpoint_checksum(ByteView(file).first(at));
    for (std::size_t i = 0; i < 8; ++i)
        file[at + i] = static_cast<std::uint8_t>(checksum >> (8 * i));
    read(file);
    return 0;
}
