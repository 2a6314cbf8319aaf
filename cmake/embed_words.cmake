# Writes OUT, a C++ file with BIP39's English words as a table, from Debian's python3-mnemonic (LIST).
# Another word in another place would make other wallets, so the list is held to its hash.
if(NOT EXISTS ${LIST})
    message(FATAL_ERROR "no word list at ${LIST}: tools/install puts it there (Debian's python3-mnemonic)")
endif()
file(SHA256 ${LIST} hash)
if(NOT hash STREQUAL "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
    message(FATAL_ERROR "${LIST} is not BIP39's English word list: its hash is ${hash}")
endif()
file(STRINGS ${LIST} words)
set(rows "")
foreach(word IN LISTS words)
    string(APPEND rows "    \"${word}\",\n")
endforeach()
file(WRITE ${OUT} "#include \"wallet/word_list.h\"\n\nnamespace cairn::wallet {\n\n"
    "const std::array<std::string_view, kWords> kWordList{\n${rows}};\n\n}  // namespace cairn::wallet\n")
