// Where the tests of this room find the published vectors; empty if they are not there.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace cairn::crypto {

inline std::string read_test_data(const std::string& name) {
    const char* folder = std::getenv("CAIRN_TEST_DATA");
    const std::string root = folder != nullptr ? folder : CAIRN_SOURCE_DIR "/../shared/data";
    std::ifstream file(root + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace cairn::crypto
