#include "formats/gguf.h"

#include <algorithm>
#include <bit>

#include <fmt/core.h>

#include "base/foreign_file.h"

namespace cairn::formats {

namespace {

using tensor::WeightType;

constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxAlignment = 1U << 16;
constexpr std::uint64_t kMaxDataBytes = std::uint64_t{1} << 48;

constexpr GgmlType kGgmlTypes[] = {
    {0, "F32", WeightType::kF32},
    {1, "F16", WeightType::kF16},
    {30, "BF16", WeightType::kBf16},
    {8, "Q8_0", WeightType::kQ8_0},
    {2, "Q4_0", WeightType::kQ4_0},
    {12, "Q4_K", WeightType::kQ4K},
    {13, "Q5_K", WeightType::kQ5K},
    {14, "Q6_K", WeightType::kQ6K},
    {3, "Q4_1", WeightType::kQ4_1},
    {6, "Q5_0", WeightType::kQ5_0},
    {7, "Q5_1", WeightType::kQ5_1},
    {9, "Q8_1", {}},
    {10, "Q2_K", {}},
    {11, "Q3_K", {}},
    {15, "Q8_K", {}},
    {16, "IQ2_XXS", {}},
    {17, "IQ2_XS", {}},
    {18, "IQ3_XXS", {}},
    {19, "IQ1_S", {}},
    {20, "IQ4_NL", {}},
    {21, "IQ3_S", {}},
    {22, "IQ2_S", {}},
    {23, "IQ4_XS", {}},
    {24, "I8", {}},
    {25, "I16", {}},
    {26, "I32", {}},
    {27, "I64", {}},
    {28, "F64", {}},
    {29, "IQ1_M", {}},
    {34, "TQ1_0", {}},
    {35, "TQ2_0", {}},
    {39, "MXFP4", {}},
};

// Bytes of one value; 0 for strings and arrays, which say their own length.
std::size_t width_of(GgufType type) {
    switch (type) {
        case GgufType::kU8:
        case GgufType::kI8:
        case GgufType::kBool:
            return 1;
        case GgufType::kU16:
        case GgufType::kI16:
            return 2;
        case GgufType::kU32:
        case GgufType::kI32:
        case GgufType::kF32:
            return 4;
        case GgufType::kU64:
        case GgufType::kI64:
        case GgufType::kF64:
            return 8;
        default:
            return 0;
    }
}

bool is_known(GgufType type) { return type <= GgufType::kF64; }

}  // namespace

const GgmlType* ggml_type(std::uint32_t number) {
    for (const GgmlType& type : kGgmlTypes)
        if (type.number == number) return &type;
    return nullptr;
}

const GgmlType* ggml_type(WeightType wanted) {
    for (const GgmlType& type : kGgmlTypes)
        if (type.ours == wanted) return &type;
    return nullptr;
}

// Walks the header once. Lengths are checked before anything is taken from the input, and no
// count makes it allocate more than the entries that it really finds.
class GgufParser {
  public:
    GgufParser(const SharedSource& source, std::shared_ptr<const Bytes> copy, ByteView bytes)
        : source_(source), copy_(std::move(copy)), bytes_(bytes), reader_(bytes) {}

    Result<GgufHeader> parse() {
        if (as_text(reader_.raw(kGgufMagic.size())) != kGgufMagic)
            return invalid("not a GGUF file");
        GgufHeader header;
        header.source_ = source_;
        header.copy_ = copy_;
        header.version = reader_.u32();
        RETURN_IF_ERROR(reader_.status());
        RETURN_IF_ERROR(check_version(header.version));
        const std::uint64_t tensors = reader_.u64();
        const std::uint64_t keys = reader_.u64();
        RETURN_IF_ERROR(reader_.status());
        if (tensors > kMaxGgufTensors || keys > kMaxGgufKeys)
            return invalid(fmt::format("{} tensors and {} keys are more than {} and {}", tensors,
                                       keys, kMaxGgufTensors, kMaxGgufKeys));
        for (std::uint64_t i = 0; i < keys; ++i) RETURN_IF_ERROR(whole(parse_key(header)));
        for (std::uint64_t i = 0; i < tensors; ++i) RETURN_IF_ERROR(whole(parse_tensor(header)));
        RETURN_IF_ERROR(place_tensors(header));
        return header;
    }

  private:
    static Status check_version(std::uint32_t version) {
        if (version == 2 || version == 3) return ok_status();
        if (version != 0 && (version & 0xFFFFU) == 0)
            return Error{ErrorCode::kUnsupported,
                         "is a big-endian GGUF; this program reads "
                         "little-endian ones"};
        return Error{ErrorCode::kUnsupported,
                     fmt::format("is GGUF version {}, this program reads 2 and 3", version)};
    }

    Status whole(const Status& status) const {
        if (!status.ok() && reader_.failed()) return ran_out();
        return status;
    }

    // For counts and lengths that are plausible, but go beyond the end of this file.
    Error ran_out() const {
        return invalid(
            fmt::format("the header goes on beyond the {} bytes that are here: the "
                        "download or copy is not complete, or the file is damaged",
                        source_->size()));
    }

    Result<ByteView> string(std::uint64_t max) {
        const std::uint64_t length = reader_.u64();
        RETURN_IF_ERROR(reader_.status());
        if (length > max)
            return invalid(fmt::format("a string of {} bytes, at most {} are read", length, max));
        if (length > reader_.remaining()) return ran_out();
        return reader_.raw(static_cast<std::size_t>(length));
    }

    Status parse_key(GgufHeader& header) {
        ASSIGN_OR_RETURN(const ByteView name, string(kMaxGgufName));
        const std::string key(as_text(name));
        GgufValue value;
        value.type = static_cast<GgufType>(reader_.u32());
        const auto parsed = value.type == GgufType::kArray ? array(value) : scalar(value);
        if (!parsed.ok()) return parsed.error().with_prefix(key);
        if (!header.values_.emplace(key, value).second) return invalid(key + " is there twice");
        return ok_status();
    }

    Status scalar(GgufValue& value) {
        RETURN_IF_ERROR(reader_.status());
        if (!is_known(value.type)) return invalid("an unknown type of value");
        if (value.type == GgufType::kString) {
            ASSIGN_OR_RETURN(value.bytes, string(kMaxGgufHeader));
            return ok_status();
        }
        value.bytes = reader_.raw(width_of(value.type));
        return reader_.status();
    }

    Status array(GgufValue& value) {
        value.element = static_cast<GgufType>(reader_.u32());
        value.count = reader_.u64();
        RETURN_IF_ERROR(reader_.status());
        if (value.element == GgufType::kArray) return invalid("an array of arrays");
        if (!is_known(value.element)) return invalid("an unknown type of value");
        const std::size_t width = width_of(value.element);
        const std::size_t least = width != 0 ? width : 8;  // a string's length alone
        if (value.count > kMaxGgufHeader / least)
            return invalid(fmt::format("an array of {} elements", value.count));
        if (value.count > reader_.remaining() / least) return ran_out();
        const std::size_t begin = bytes_.size() - reader_.remaining();
        if (width != 0)
            reader_.raw(static_cast<std::size_t>(value.count) * width);
        else
            for (std::uint64_t i = 0; i < value.count; ++i) RETURN_IF_ERROR(string(kMaxGgufHeader));
        value.bytes = bytes_.subspan(begin, bytes_.size() - reader_.remaining() - begin);
        return reader_.status();
    }

    Status parse_tensor(GgufHeader& header) {
        ASSIGN_OR_RETURN(const ByteView name_bytes, string(kMaxGgufName));
        const std::string name(as_text(name_bytes));
        const std::uint32_t dimensions = reader_.u32();
        if (dimensions == 0 || dimensions > kMaxDimensions)
            return invalid(fmt::format("tensor {} has {} dimensions", name, dimensions));
        StoredTensor tensor;
        tensor.source = source_;
        std::uint64_t elements = 1;
        for (std::uint32_t i = 0; i < dimensions; ++i) {
            const std::uint64_t extent = reader_.u64();
            if (extent == 0 || extent > model::kMaxParameters / elements)
                return invalid("tensor " + name + " has an impossible shape");
            elements *= extent;
            tensor.shape.insert(tensor.shape.begin(), extent);
        }
        const std::uint32_t number = reader_.u32();
        tensor.offset = reader_.u64();
        RETURN_IF_ERROR(reader_.status());
        if (const GgmlType* type = ggml_type(number)) {
            tensor.type = type->ours;
            tensor.type_name = type->name;
        } else {
            tensor.type_name = "of type number " + std::to_string(number);
        }
        if (tensor.type) {
            const auto cols = static_cast<std::size_t>(tensor.shape.back());
            if (cols % tensor::weight_group(*tensor.type) != 0)
                return invalid(fmt::format("tensor {} has rows of {}, which {} does not allow",
                                           name, cols, tensor.type_name));
            tensor.bytes = elements / cols * tensor::weight_row_bytes(*tensor.type, cols);
        }
        if (!header.tensors.emplace(name, std::move(tensor)).second)
            return invalid("tensor " + name + " is there twice");
        return ok_status();
    }

    // Offsets count from the first aligned byte after the header. As llama.cpp has it, tensors
    // follow one another with nothing but padding between them: no byte can be asked for twice,
    // and none lies where no reader looks.
    Status place_tensors(GgufHeader& header) {
        ASSIGN_OR_RETURN(const std::uint32_t alignment,
                         header.number("general.alignment", kGgufAlignment));
        if (!std::has_single_bit(alignment) || alignment > kMaxAlignment)
            return invalid(fmt::format("general.alignment is {}", alignment));
        const auto aligned = [&](std::uint64_t at) {
            return (at + alignment - 1) / alignment * alignment;
        };
        const std::uint64_t header_end = bytes_.size() - reader_.remaining();
        const std::uint64_t data = aligned(header_end);
        std::vector<std::pair<std::uint64_t, const std::string*>> order;
        std::uint64_t promised = header_end;
        bool all_known = true;
        for (auto& [name, tensor] : header.tensors) {
            if (tensor.offset % alignment != 0)
                return invalid("tensor " + name + " is not aligned");
            if (tensor.offset > kMaxDataBytes || tensor.bytes > kMaxDataBytes)
                return invalid("tensor " + name + " lies outside any file");
            tensor.offset += data;
            promised = std::max(promised, tensor.offset + tensor.bytes);
            all_known = all_known && tensor.bytes != 0;
            order.emplace_back(tensor.offset, &name);
        }
        if (promised > source_->size()) return invalid(incomplete(source_->size(), promised));
        // Tensors of unknown types have an unknown length, so gaps cannot be checked.
        if (!all_known) return ok_status();
        std::sort(order.begin(), order.end());
        std::uint64_t end = header_end;
        const std::string* before = nullptr;
        for (const auto& [offset, name] : order) {
            if (before != nullptr && offset < end)
                return invalid("tensors " + *before + " and " + *name + " overlap");
            RETURN_IF_ERROR(check_padding(end, aligned(end), offset, "before tensor " + *name));
            end = offset + header.tensors.at(*name).bytes;
            before = name;
        }
        return check_padding(end, std::min(aligned(end), source_->size()), source_->size(),
                             "at its end");
    }

    // A tensor ends at `end`, and what follows it (a tensor or the file's end) is at `next`. Checks
    // that this is `padded`, with zeros between.
    Status check_padding(std::uint64_t end, std::uint64_t padded, std::uint64_t next,
                         const std::string& where) const {
        if (padded != next)
            return invalid(fmt::format("{} bytes {} belong to no tensor",
                                       next > end ? next - end : end - next, where));
        Bytes gap(static_cast<std::size_t>(padded - end));
        RETURN_IF_ERROR(source_->read(end, gap));
        if (std::any_of(gap.begin(), gap.end(), [](std::uint8_t byte) { return byte != 0; }))
            return invalid("its padding " + where + " is not zeros");
        return ok_status();
    }

    SharedSource source_;
    std::shared_ptr<const Bytes> copy_;
    ByteView bytes_;
    Reader reader_;
};

Result<GgufHeader> read_gguf_header(const SharedSource& source) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(source->size(), kMaxGgufHeader));
    std::shared_ptr<const Bytes> copy;
    ByteView bytes;
    if (source->mapped() != nullptr) {
        bytes = {source->mapped(), size};
    } else {
        ASSIGN_OR_RETURN(Bytes head, source->head(size));
        copy = std::make_shared<const Bytes>(std::move(head));
        bytes = *copy;
    }
    auto header = GgufParser(source, std::move(copy), bytes).parse();
    if (!header.ok()) return header.error().with_prefix(source->name());
    return header;
}

}  // namespace cairn::formats
