// The keys by which the lead of a divided server and its parts know each other (S45): both come
// from one secret in a file, which their owner copies to each machine as he does the model.
#pragma once

#include <string>

#include "crypto/keys.h"

namespace cairn::serve {

struct PartKeys {
    crypto::SecretKey lead;  ///< of the lead's end of every link
    crypto::SecretKey part;  ///< of all parts' ends
};

/// From the file: 64 hexadecimal digits. With `make` it is written first if there is none, for its
/// owner alone; otherwise kNotFound says where to get it. kInvalid for a file that holds no secret.
Result<PartKeys> load_part_keys(const std::string& file, Random& random, bool make);

}  // namespace cairn::serve
