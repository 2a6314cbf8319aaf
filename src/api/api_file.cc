#include "api/api_file.h"

#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/shell_word.h"

namespace cairn::api {

namespace {

constexpr const char* kName = "api.json";
constexpr std::size_t kMaxFileBytes = 4096;

}  // namespace

Status write_api_file(const std::string& directory, const ApiFile& file) {
    const std::string text =
        nlohmann::json{{"address", file.address}, {"token", file.token}}.dump() + "\n";
    return PosixDisk(directory).write_secret(kName, as_bytes(text));
}

void remove_api_file(const std::string& directory) { (void)PosixDisk(directory).remove(kName); }

Result<ApiFile> read_api_file(const std::string& directory) {
    auto bytes = PosixDisk(directory).read_secret(kName, kMaxFileBytes);
    if (!bytes.ok() && bytes.error().code == ErrorCode::kNotFound)
        return not_found("no node is running on " + directory +
                         " (there is no api.json): start `cairn node --dir " +
                         shell_word(directory) + "`");
    if (!bytes.ok()) return bytes.error();
    const auto json = nlohmann::json::parse(as_text(*bytes), nullptr, false);
    if (!json.is_object() || !json.contains("address") || !json["address"].is_string() ||
        !json.contains("token") || !json["token"].is_string())
        return invalid(directory + "/" + kName + " is not what a node writes: restart the node");
    return ApiFile{json["address"].get<std::string>(), json["token"].get<std::string>()};
}

}  // namespace cairn::api
