// DIR/api.json: where a running node's API listens, and the token that programs of its owner send
// with commands. Readable by the owner only.
#pragma once

#include "api/client.h"

namespace cairn::api {

Status write_api_file(const std::string& directory, const ApiFile& file);
void remove_api_file(const std::string& directory);

}  // namespace cairn::api
