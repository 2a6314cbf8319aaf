// Where tests find real material: the folder in CAIRN_TEST_DATA, or ../shared/data beside the
// repository. Absent material skips a test; the product never needs it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace cairn {

/// Where the sources lie. CMake writes its body: in a test's command line it would keep ccache from
/// finding the test again in another checkout.
const char* source_folder();

inline std::string test_data_folder() {
    const char* folder = std::getenv("CAIRN_TEST_DATA");
    return folder != nullptr ? folder : std::string(source_folder()) + "/../shared/data";
}

/// The whole file; empty if it is not there.
inline std::string read_test_data(const std::string& name) {
    std::ifstream file(test_data_folder() + "/" + name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace cairn
