#include "api/api_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/disk.h"

namespace cairn::api {

namespace {

constexpr const char* kName = "api.json";
constexpr std::size_t kMaxFileBytes = 4096;

}  // namespace

// Not by Disk::write_atomic, whose files anybody may read.
Status write_api_file(const std::string& directory, const ApiFile& file) {
    const std::string text =
        nlohmann::json{{"address", file.address}, {"token", file.token}}.dump() + "\n";
    const std::string path = directory + "/" + kName;
    const std::string unfinished = path + ".tmp";
    ::unlink(unfinished.c_str());
    const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_error("cannot create " + path + ": " + std::generic_category().message(errno));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(fd);
    if (!written || std::rename(unfinished.c_str(), path.c_str()) != 0)
        return io_error("cannot write " + path + ": " + std::generic_category().message(errno));
    return ok_status();
}

void remove_api_file(const std::string& directory) { ::unlink((directory + "/" + kName).c_str()); }

Result<ApiFile> read_api_file(const std::string& directory) {
    auto bytes = PosixDisk(directory).read(kName, kMaxFileBytes);
    if (!bytes.ok() && bytes.error().code == ErrorCode::kNotFound)
        return not_found("no node is running on " + directory +
                         " (there is no api.json): start `cairn node --dir " + directory + "`");
    if (!bytes.ok()) return bytes.error();
    const auto json = nlohmann::json::parse(as_text(*bytes), nullptr, false);
    if (!json.is_object() || !json.contains("address") || !json["address"].is_string() ||
        !json.contains("token") || !json["token"].is_string())
        return invalid(directory + "/" + kName + " is not what a node writes: restart the node");
    return ApiFile{json["address"].get<std::string>(), json["token"].get<std::string>()};
}

}  // namespace cairn::api
