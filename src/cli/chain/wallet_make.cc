// `cairn wallet create|restore|watch|rescan`: makes a wallet, and finds on the chain the keys that
// it used before it was restored.
#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "cli/chain/wallet_chain.h"
#include "cli/chain/wallet_command.h"
#include "console/json_line.h"
#include "wallet/address.h"
#include "wallet/words.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kOldSeedDigits = 64;

std::string path_of(const WalletRequest& request) {
    return request.file.directory + "/" + request.file.name;
}

Json description(const WalletRequest& request, const wallet::Wallet& wallet) {
    return {{"file", path_of(request)},
            {"address", wallet::encode_address(wallet.main_key())},
            {"key", to_hex(wallet.main_key())},
            {"keys", wallet.keys().size()}};
}

Result<crypto::SecretBytes> passphrase_of(const WalletRequest& request) {
    if (request.passphrase_file.empty()) return crypto::SecretBytes();
    ASSIGN_OR_RETURN(const std::string line,
                     read_secret_text(request.passphrase_file, SecretIs::kFirstLine));
    if (line.empty()) return invalid(request.passphrase_file + " holds no passphrase");
    if (line.size() > wallet::kMaxPassphrase)
        return invalid("a passphrase has at most " + std::to_string(wallet::kMaxPassphrase) +
                       " bytes");
    const ByteView bytes = as_bytes(line);
    return crypto::SecretBytes(Bytes(bytes.begin(), bytes.end()));
}

// Shows the words first: the owner must have them before the wallet can receive coins.
Status show_new(const WalletRequest& request, const wallet::Wallet& wallet,
                const std::string& words, std::ostream& out) {
    if (request.json) {
        Json json = description(request, wallet);
        json["seed"] = words;
        out << console::json_line(json);
    } else {
        out << fmt::format(
            "Wallet {}\naddress  {}\n\n{}\n"
            "Write these {} words down in this order and keep them off this machine: whoever\n"
            "has them has the coins, and without them a lost file is lost money.\n"
            "`cairn wallet restore` asks for them.\n",
            path_of(request), wallet::encode_address(wallet.main_key()), wallet::on_paper(words),
            request.length);
    }
    out.flush();
    if (out) return ok_status();
    return io_error(
        "standard output could not be written: no wallet was made, since nobody saw its words");
}

Result<std::string> secret_text(const WalletRequest& request) {
    if (!request.seed.empty()) return request.seed;
    if (!request.words.empty()) return request.words;
    if (!request.words_file.empty())
        return read_secret_text(request.words_file, SecretIs::kWholeText);
    return ask_for_words("The wallet's words (or an old wallet's seed): ");
}

bool is_hex(const std::string& text) {
    return text.size() == kOldSeedDigits &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Result<wallet::Origin> origin_of(const WalletRequest& request) {
    ASSIGN_OR_RETURN(std::string text, secret_text(request));
    const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
    while (!text.empty() && space(static_cast<unsigned char>(text.back()))) text.pop_back();
    text.erase(text.begin(), std::ranges::find_if_not(text, space));
    if (is_hex(text)) {
        if (!request.passphrase_file.empty())
            return invalid("an old wallet's seed has no passphrase: leave --passphrase-file out");
        wallet::Seed seed;
        ASSIGN_OR_RETURN(seed.bytes, fixed_from_hex<32>(text));
        return wallet::Origin(seed);
    }
    if (std::ranges::none_of(text, space) &&
        std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c) != 0; }))
        return invalid(
            "a wallet is restored from 12 to 24 words, an old one from a seed of 64 "
            "hexadecimal digits; this is neither");
    wallet::Words words;
    ASSIGN_OR_RETURN(words.entropy, wallet::entropy_of(text));
    ASSIGN_OR_RETURN(words.passphrase, passphrase_of(request));
    return wallet::Origin(std::move(words));
}

/// Makes the wallet of an origin, looks on the chain, and says what was found there.
Status make_again(const WalletRequest& request, const wallet::Origin& origin, bool watching,
                  std::ostream& out) {
    ASSIGN_OR_RETURN(wallet::Wallet wallet, create_wallet(request.file, origin, {}));
    ASSIGN_OR_RETURN(const auto chain, open_chain_if_there(request.file.directory));
    ASSIGN_OR_RETURN(const std::uint32_t found,
                     wallet.find_used(used_on_chain(chain), wallet.gap()));
    std::uint64_t height = 0;
    if (chain) {
        ASSIGN_OR_RETURN(height, height_of(*chain));
    }
    if (request.json) {
        Json json = description(request, wallet);
        json["found"] = found;
        json["height"] = chain ? Json(height) : Json(nullptr);
        json["watch_only"] = watching;
        out << console::json_line(json);
        return ok_status();
    }
    out << fmt::format("Wallet {}\naddress  {}\n", path_of(request),
                       wallet::encode_address(wallet.main_key()));
    if (watching)
        out << "This wallet only watches: it shows addresses, balance and history, and cannot "
               "spend.\n";
    if (chain)
        out << fmt::format(
            "Looked on the chain up to height {}; keys found in use besides the first: {}. What "
            "comes later is found by every command by itself; `cairn wallet rescan --gap N` looks "
            "further.\n",
            height, found);
    else
        out << fmt::format(
            "There is no chain in {} yet. Nothing is lost by that: once a node has fetched it, "
            "every command finds the wallet's used keys by itself, and `cairn wallet rescan` says "
            "what it found.\n",
            request.file.directory);
    return ok_status();
}

}  // namespace

Status run_wallet_create(const WalletRequest& request, std::ostream& out) {
    SystemRandom random;
    wallet::Words words;
    words.entropy = wallet::new_entropy(request.length, random);
    ASSIGN_OR_RETURN(words.passphrase, passphrase_of(request));
    const std::string sentence = wallet::words_of(words.entropy.view());
    const auto show = [&](const wallet::Wallet& wallet) {
        return show_new(request, wallet, sentence, out);
    };
    RETURN_IF_ERROR(create_wallet(request.file, words, show));
    return ok_status();
}

Status run_wallet_restore(const WalletRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_no_wallet(request.file));
    ASSIGN_OR_RETURN(const wallet::Origin origin, origin_of(request));
    return make_again(request, origin, false, out);
}

Status run_wallet_watch(const WalletRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_no_wallet(request.file));
    auto key = wallet::decode_public(request.xpub);
    if (!key.ok()) return misused("--xpub: " + key.error().message);
    return make_again(request, *key, true, out);
}

Status run_wallet_rescan(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const WalletLock lock, lock_wallet(request.file));
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.file.directory));
    const std::uint32_t gap = request.gap > 0 ? request.gap : wallet.gap();
    const std::size_t before = wallet.keys().size();
    ASSIGN_OR_RETURN(const std::uint32_t found, wallet.find_used(used_on_chain(chain), gap));
    SystemRandom random;
    if (found > 0) RETURN_IF_ERROR(wallet.save(random));
    ASSIGN_OR_RETURN(const std::uint64_t height, height_of(chain));
    if (request.json)
        out << console::json_line(Json{
            {"found", found}, {"keys", wallet.keys().size()}, {"gap", gap}, {"height", height}});
    else
        out << fmt::format(
            "Looked at {} keys and {} more of each chain, up to height {}; keys found in use that "
            "the wallet did not know of: {}.\n",
            before, gap, height, found);
    return ok_status();
}

}  // namespace cairn::cli
