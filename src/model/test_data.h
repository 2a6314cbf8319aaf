// Where tests find real material: CAIRN_TEST_DATA, or ../shared/data from the repository's root.
#pragma once

#include <cstdlib>
#include <string>

namespace cairn::model {

inline std::string test_data_folder() {
    const char* folder = std::getenv("CAIRN_TEST_DATA");
    return folder != nullptr ? folder : "../shared/data";
}

}  // namespace cairn::model
