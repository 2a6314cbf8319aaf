// Made-up English to train on where no files are given: words of a made-up vocabulary, each with a
// few likely successors, so that a small model has something to learn for many rounds.
#pragma once

#include <cstdint>
#include <string>

namespace cairn::lab {

/// `bytes` of the language number `language`; `seed` decides what is said. Languages share their
/// commonest words and differ in the others, and in how their lines look.
std::string made_text(std::uint64_t language, std::uint64_t seed, std::size_t bytes);

}  // namespace cairn::lab
