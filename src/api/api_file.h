// DIR/api.json: where a running node's API listens, and the token that programs of its owner send
// with commands. Readable by the owner only.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::api {

struct ApiFile {
    std::string address;  ///< "127.0.0.1:8420"
    std::string token;    ///< POST requests must carry it
};

Status write_api_file(const std::string& directory, const ApiFile& file);
void remove_api_file(const std::string& directory);
/// kNotFound, with what to do, where no node runs on the directory; kRefused if others than the
/// owner can read the file.
Result<ApiFile> read_api_file(const std::string& directory);

}  // namespace cairn::api
