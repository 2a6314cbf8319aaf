// GGUF, the file format of llama.cpp: magic "GGUF", u32 version, u64 tensors, u64 keys, the keys
// (name, type, value), the tensors (name, extents from the innermost, type, offset), padding to
// general.alignment, data. Versions 2 and 3, little-endian. This reads the header alone and knows
// no model (formats/gguf_model.h does): every count, length, extent and offset is checked against
// the file before anything is taken from it.
// Source: the page "gguf" in the documents of github.com/ggml-org/ggml.
#pragma once

#include <map>
#include <optional>

#include "formats/assemble.h"

namespace cairn::formats {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::uint64_t kGgufAlignment = 32;
/// Keys, tensor names and extents together; the largest known vocabularies take 20 MB.
inline constexpr std::size_t kMaxGgufHeader = std::size_t{128} << 20;
inline constexpr std::uint64_t kMaxGgufKeys = 1U << 16;
inline constexpr std::uint64_t kMaxGgufTensors = 1U << 16;
inline constexpr std::size_t kMaxGgufName = 1024;

/// The numbers are the format's.
enum class GgufType : std::uint32_t {
    kU8 = 0,
    kI8 = 1,
    kU16 = 2,
    kI16 = 3,
    kU32 = 4,
    kI32 = 5,
    kF32 = 6,
    kBool = 7,
    kString = 8,
    kArray = 9,
    kU64 = 10,
    kI64 = 11,
    kF64 = 12,
};

/// A value as a view into the header: nothing is copied until somebody asks.
struct GgufValue {
    GgufType type{};
    GgufType element{};       ///< of an array; arrays of arrays are refused
    std::uint64_t count = 1;  ///< elements of an array
    ByteView bytes;           ///< of a string: the text; of an array: its elements in a row
};

/// ggml's number and name for a type of tensor, and our type where this program reads it.
struct GgmlType {
    std::uint32_t number;
    const char* name;
    std::optional<tensor::WeightType> ours;
};
/// Null for numbers that are not known.
const GgmlType* ggml_type(std::uint32_t number);
const GgmlType* ggml_type(tensor::WeightType type);

class GgufHeader {
  public:
    std::uint32_t version = 0;
    std::map<std::string, StoredTensor> tensors;

    bool has(std::string_view key) const { return values_.contains(key); }
    /// Any integer type that holds the number; kInvalid if it is missing, another type or larger.
    /// An array (a number per layer) counts if its elements are equal, else kUnsupported.
    Result<std::uint32_t> number(std::string_view key) const;
    Result<std::uint32_t> number(std::string_view key, std::uint32_t otherwise) const;
    Result<float> real(std::string_view key, float otherwise) const;
    Result<bool> flag(std::string_view key, bool otherwise) const;
    Result<std::string> text(std::string_view key, std::string_view otherwise) const;
    /// Empty if the key is missing.
    Result<std::vector<std::string>> texts(std::string_view key, std::size_t max_count,
                                           std::size_t max_bytes) const;
    Result<std::vector<float>> reals(std::string_view key, std::size_t max_count) const;
    Result<std::vector<std::int32_t>> integers(std::string_view key, std::size_t max_count) const;

  private:
    friend class GgufParser;
    Result<const GgufValue*> array(std::string_view key, std::size_t max_count) const;

    SharedSource source_;                ///< what the views point into, if it is mapped
    std::shared_ptr<const Bytes> copy_;  ///< else this
    std::map<std::string, GgufValue, std::less<>> values_;
};

/// Every bound checked; errors name the file, and the key or tensor.
Result<GgufHeader> read_gguf_header(const SharedSource& source);

}  // namespace cairn::formats
