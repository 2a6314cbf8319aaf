#include "base/foreign_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"

namespace cairn {

namespace {

struct Signature {
    std::size_t at;
    std::string_view bytes;
    const char* what;
};

using namespace std::string_view_literals;

constexpr const char* kUnpack = "an archive; unpack it and name what is inside";

// Files of other programs that say what they are.
constexpr Signature kSignatures[] = {
    {0, "\x1F\x8B"sv, "compressed by gzip; unpack it first: gunzip"},
    {0, "\x28\xB5\x2F\xFD"sv, "compressed by zstd; unpack it first: unzstd"},
    {0, "\xFD\x37zXZ\0"sv, "compressed by xz; unpack it first: unxz"},
    {4, "1AY&SY"sv, "compressed by bzip2; unpack it first: bunzip2"},
    {0, "\x04\x22\x4D\x18"sv, "compressed by lz4; unpack it first: unlz4"},
    {0, "7z\xBC\xAF\x27\x1C"sv, kUnpack},
    {0, "Rar!\x1A\x07"sv, kUnpack},
    {257, "ustar"sv, "a tar archive; unpack it first: tar -xf"},
    {0, "lmgg"sv, "a GGML file of before GGUF; get the model as GGUF"},
    {0, "fmgg"sv, "a GGML file (ggmf) of before GGUF; get the model as GGUF"},
    {0, "tjgg"sv, "a GGML file (ggjt) of before GGUF; get the model as GGUF"},
    {0, "algg"sv, "a LoRA adapter of GGML (ggla), not a model; merge it into its model first"},
    {0, "FUGG"sv, "a GGUF file with its bytes the other way round; get a little-endian one"},
    {0, "\x93NUMPY"sv, "an array of numpy, not a model or a text"},
    {0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file (Keras); save the model as safetensors"},
    {4, "TFL3"sv, "a TensorFlow Lite model; get it as safetensors or GGUF"},
    {0, "SQLite format 3\0"sv, "a database of SQLite"},
    {0, "\x89PNG\r\n"sv, "an image (PNG)"},
    {0, "\xFF\xD8\xFF"sv, "an image (JPEG)"},
    {0, "GIF8"sv, "an image (GIF)"},
    {0, "%PDF-"sv, "a PDF; save its text as a file of its own"},
    {0,
     "\x7F"
     "ELF"sv,
     "a program, not data"},
    {0, "d8:announce"sv, "a torrent: it names the file, open it with a program for torrents"},
};

constexpr const char* kPickle =
    "a PyTorch pickle, which can run code when it is read; save the model as safetensors";

constexpr const char* kUtf16 = "text in UTF-16; save it in UTF-8: iconv -f UTF-16 -t UTF-8";

// By its byte order mark.
bool is_utf16(std::string_view text) {
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

Error unsupported(const std::string& what) { return Error{ErrorCode::kUnsupported, what}; }

std::string_view after_blanks(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool starts_as(std::string_view text, std::string_view lower) {
    return text.size() >= lower.size() &&
           std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
}

// What git keeps in place of a large file.
std::optional<Error> pointer(std::string_view text) {
    if (text.starts_with("version https://git-lfs.github.com/")) {
        const std::size_t at = text.find("\nsize ");
        const std::size_t begin = at == std::string_view::npos ? text.size() : at + 6;
        const auto size = parse_whole(text.substr(begin, text.find('\n', begin) - begin), "");
        return invalid(fmt::format(
            "a pointer of Git LFS, not the file itself{}; fetch that: git lfs pull",
            size.ok() ? fmt::format(", which has {:.1f} MB", static_cast<double>(*size) / 1e6)
                      : ""));
    }
    const bool relative = text.starts_with("../") || text.starts_with(".git/");
    if (text.starts_with("/annex/objects/") ||
        (relative && text.substr(0, text.find('\n')).find(".git/annex/objects/") != text.npos))
        return invalid("a pointer of git-annex, not the file itself; fetch that: git annex get");
    return std::nullopt;
}

// What servers send instead of a file.
std::optional<Error> answer(std::string_view text, std::uint64_t size) {
    constexpr std::uint64_t kLongestAnswer = 1U << 16;
    text = after_blanks(text);
    for (const std::string_view tag : {"<!doctype html"sv, "<html"sv, "<head"sv})
        if (starts_as(text, tag))
            return invalid(
                "a web page, not the file: perhaps the server wanted a login, or the link leads "
                "to a page about the file; download the file itself");
    if (text.starts_with("<?xml") || text.starts_with("<Error>"))
        return invalid("an XML answer of a server, not the file; open it to see what it says");
    if (!text.starts_with('{') || size > kLongestAnswer) return std::nullopt;
    text = after_blanks(text.substr(1));
    for (const std::string_view key :
         {"\"error\""sv, "\"errors\""sv, "\"message\""sv, "\"detail\""sv})
        if (starts_as(text, key))
            return invalid(
                "an error that a server sent, not the file; open it to see what it "
                "says");
    return std::nullopt;
}

// zip is what PyTorch and numpy pack their files with, too.
std::optional<Error> packed(std::string_view text) {
    const std::string_view names = text.substr(0, 256);
    if (text.starts_with("PK\x03\x04")) {
        if (names.find(".npy") != names.npos) return unsupported("arrays of numpy (.npz)");
        if (names.find(".pkl") != names.npos) return unsupported(kPickle);
        return unsupported(
            "a zip archive: either one to unpack, or a PyTorch pickle, which can run code when "
            "it is read; save the model as safetensors");
    }
    // An opcode follows, which is never 0: other files begin with a number.
    if (text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5 && text[2] != 0)
        return unsupported(kPickle);
    return std::nullopt;
}

// A protobuf whose first fields are the format's version and its producer's name.
bool is_onnx(std::string_view text) {
    if (text.size() < 8 || text[0] != 0x08 || text[1] < 1 || text[1] > 20 || text[2] != 0x12)
        return false;
    const auto length = static_cast<unsigned char>(text[3]);
    const std::string_view name = text.substr(4, length);
    return length > 2 && length < 64 && name.size() == length &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// Safetensors begin with a length, whose bytes may look like anything, and a JSON object.
bool is_safetensors(std::string_view text) {
    return text.size() > 9 && text.substr(5).starts_with("\0\0\0{"sv) &&
           (text[9] == '"' || text[9] == '}' || text[9] == ' ' || text[9] == '\n');
}

std::optional<Error> foreign(std::string_view text, std::uint64_t size) {
    if (size == 0) return invalid("empty; if it was downloaded, download it again");
    if (is_safetensors(text)) return std::nullopt;
    if (auto found = pointer(text)) return found;
    if (auto found = answer(text, size)) return found;
    if (auto found = packed(text)) return found;
    for (const Signature& signature : kSignatures)
        if (text.size() >= signature.at && text.substr(signature.at).starts_with(signature.bytes))
            return unsupported(signature.what);
    if (is_onnx(text)) return unsupported("an ONNX model; get it as safetensors or GGUF");
    if (is_utf16(text)) return invalid(kUtf16);
    if (text.size() >= 64 && text.find_first_not_of('\0') == std::string_view::npos)
        return invalid("zeros at its beginning: a download that was not finished; run it again");
    return std::nullopt;
}

bool named_as_page(const std::string& path) {
    for (const char* ending : {".html", ".htm", ".xhtml", ".xml", ".json", ".jsonl"})
        if (path.ends_with(ending)) return true;
    return false;
}

Error with_path(const std::string& path, const Error& error) {
    return Error{error.code, path + " is " + error.message};
}

}  // namespace

Status check_foreign(const std::string& path, ByteView head, std::uint64_t size) {
    if (const auto found = foreign(as_text(head.first(std::min(head.size(), kForeignHead))), size))
        return with_path(path, *found);
    return ok_status();
}

Result<Bytes> read_checked_file(const std::string& path, std::size_t max_bytes) {
    ASSIGN_OR_RETURN(Bytes bytes, read_file(path, max_bytes));
    RETURN_IF_ERROR(check_foreign(path, bytes, bytes.size()));
    return bytes;
}

Status check_encoding(const std::string& name, std::string_view text) {
    if (is_utf16(text)) return with_path(name, invalid(kUtf16));
    if (const std::size_t at = text.find('\0'); at != text.npos)
        return invalid(
            fmt::format("{} has a NUL byte at {}: it is not a text (in UTF-16 it would "
                        "look so; a text is wanted in UTF-8)",
                        name, at));
    const std::size_t valid = valid_utf8_length(text);
    if (valid == text.size()) return ok_status();
    const auto lines =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(valid), '\n');
    log_warn(
        "{} is not all UTF-8: line {} has the byte 0x{:02X}, at offset {} of the text. Its bytes "
        "are taken as they are; if they are meant as letters, convert it: iconv -f ISO-8859-1 "
        "-t UTF-8",
        name, lines + 1, static_cast<unsigned char>(text[valid]), valid);
    return ok_status();
}

Status check_text(const std::string& path, ByteView content) {
    const std::string_view text = as_text(content);
    const std::string_view head = text.substr(0, kForeignHead);
    if (head.empty()) return invalid(path + " has no text: it is empty");
    if (!(named_as_page(path) && answer(head, content.size())))
        RETURN_IF_ERROR(check_foreign(path, content, content.size()));
    for (const std::string_view magic :
         {"GGUF"sv, "CAIRNCKP"sv, "CAIRNRUN"sv, "CAIRNBPE"sv, "CAIRNVOC"sv, "CAIRNWPC"sv})
        if (head.starts_with(magic))
            return invalid(path + " is a model, a tokenizer or a training run; a text is wanted");
    return check_encoding(path, text);
}

Status check_download(const std::string& path) {
    for (const char* ending :
         {".part", ".partial", ".crdownload", ".incomplete", ".download", ".aria2", ".!qB"})
        if (path.ends_with(ending))
            return invalid(
                fmt::format("{} is a download that has not ended, by its name ({}); "
                            "wait for it, or rename it if it is whole",
                            path, ending));
    if (exists(path + ".aria2"))
        return invalid(path + " is still being downloaded, as " + path +
                       ".aria2 beside it says; wait for it, or run aria2c again");
    return ok_status();
}

std::string incomplete(std::uint64_t here, std::uint64_t promised) {
    const bool small = promised < 1'000'000;
    const double unit = small ? 1.0 : 1e6;
    return fmt::format("only {:.{}f} of {:.{}f} {} are here: the download or copy is not complete",
                       static_cast<double>(here) / unit, small ? 0 : 1,
                       static_cast<double>(promised) / unit, small ? 0 : 1, small ? "bytes" : "MB");
}

}  // namespace cairn
