#include "node/run_node.h"

#include <sys/resource.h>

#include "base/disk.h"
#include "base/files.h"
#include "base/log.h"
#include "net/tls_network.h"
#include "node/asset_fetcher.h"
#include "node/chain_model_reader.h"
#include "node/kept_payments.h"
#include "node/local_trainer.h"
#include "node/node.h"
#include "node/open_files.h"

namespace cairn::node {
namespace {

constexpr std::string_view kKeyFile = "node.key";
constexpr std::uint64_t kPollMs = 200;

std::string name_and_id(const chain::NetworkDefinition& network) {
    return network.name + " (" + short_hex(chain::genesis_id(network)) + ")";
}

/// The network of the directory; if it has none yet, the file of --network is copied there.
Result<chain::NetworkDefinition> load_network(const NodeOptions& options, Assets& assets) {
    PosixDisk disk(options.directory);
    const std::string name(kNetworkFile);
    const std::string here = options.directory + "/" + name;
    RETURN_IF_ERROR(check_no_lost_link(here));
    if (!disk.exists(name)) {
        if (options.network_file.empty())
            return not_found("no " + name + " in " + options.directory +
                             ": give --network FILE, or make one with `cairn network create`");
        RETURN_IF_ERROR(read_network(options.network_file));
        ASSIGN_OR_RETURN(const Bytes bytes,
                         read_file(options.network_file, chain::kMaxNetworkJsonBytes));
        RETURN_IF_ERROR(disk.write_atomic(name, bytes));
    }
    ASSIGN_OR_RETURN(chain::NetworkDefinition network, read_network(here));
    if (!options.network_file.empty()) {
        ASSIGN_OR_RETURN(const chain::NetworkDefinition given, read_network(options.network_file));
        if (chain::genesis_id(given) != chain::genesis_id(network))
            return Error{ErrorCode::kRefused, options.directory + " belongs to the network " +
                                                  name_and_id(network) + ", and " +
                                                  options.network_file + " is that of " +
                                                  name_and_id(given) + ": name another --dir"};
        Assets beside(folder_of(options.network_file));
        assets.copy_from(beside, network);
    }
    return network;
}

Result<crypto::SecretKey> load_key(const NodeOptions& options, Random& random) {
    if (options.key) return *options.key;
    PosixDisk disk(options.directory);
    const std::string name(kKeyFile);
    RETURN_IF_ERROR(check_no_lost_link(options.directory + "/" + name));
    if (!disk.exists(name)) {
        const crypto::SecretKey fresh = crypto::SecretKey::generate(random);
        RETURN_IF_ERROR(disk.write_secret(name, as_bytes(to_hex(fresh.bytes()) + "\n")));
    }
    ASSIGN_OR_RETURN(const Bytes text, disk.read_secret(name, 128));
    std::string hex(as_text(text));
    while (!hex.empty() && (hex.back() == '\n' || hex.back() == ' ')) hex.pop_back();
    const auto bytes = from_hex(hex);
    auto key = bytes.ok() ? crypto::SecretKey::from_bytes(*bytes)
                          : Result<crypto::SecretKey>(bytes.error());
    if (!key.ok()) return invalid(options.directory + "/" + name + " holds no key");
    return *key;
}

/// Roughly the bytes that the chain's state, its copies and the judge take.
std::uint64_t memory_needed(const chain::NetworkDefinition& network, bool trains) {
    const model::ParameterLayout layout(worth::model_config(network), codec::kTile);
    const std::uint64_t merges = network.novelty ? network.novelty_rounds : 0;
    const std::uint64_t words = 2 + 2 + 2 + merges + 4 + (trains ? 6 : 0);
    return layout.size() * 4 * words + (std::uint64_t{64} << 20);
}

/// One node process. run() ends its members in the order that node.h asks for.
class Process {
  public:
    explicit Process(const NodeOptions& options) : options_(options), assets_(options.directory) {}

    Status prepare();
    Status run();

  private:
    Status start_node();
    void ask_router();
    Result<std::vector<std::uint32_t>> text_asset(const Hash256& hash);
    Status load_model();
    Status load_trainer();
    NodeConfig config() const;
    void take_up_payments();
    void keep_payments();
    void poll();
    void stop();

    const NodeOptions& options_;
    Assets assets_;
    chain::NetworkDefinition network_definition_;
    std::optional<crypto::SecretKey> key_;
    SystemClock clock_;
    SystemRandom random_;
    const tensor::Kernels* kernels_ = nullptr;
    std::unique_ptr<ThreadPool> pool_;
    std::shared_ptr<const text::Tokenizer> tokenizer_;
    std::unique_ptr<worth::ChainModel> model_;
    std::unique_ptr<ChainModelReader> reader_;
    std::unique_ptr<LocalTrainer> trainer_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<net::PeerBook> book_;
    std::unique_ptr<net::AsioLoop> loop_;
    std::unique_ptr<net::TlsNetwork> network_;
    std::unique_ptr<AssetFetcher> fetcher_;
    std::unique_ptr<net::PortMapper> mapper_;
    bool has_pool_ = false;  // payments.pool was read; before that an empty pool would erase it
    Status failure_ = ok_status();
};

Status Process::prepare() {
    if (options_.directory.empty()) return invalid("a node needs a directory: give --dir");
    ASSIGN_OR_RETURN(const std::size_t files, provide_open_files());
    RETURN_IF_ERROR(make_folders(options_.directory));
    ASSIGN_OR_RETURN(network_definition_, load_network(options_, assets_));
    if (options_.fresh && network_definition_.is_private())
        return Error{ErrorCode::kRefused,
                     "fresh keys cannot be used on " + network_definition_.name +
                         ": it is a private network, whose members are keys; leave out "
                         "--fresh-keys"};
    ASSIGN_OR_RETURN(key_, load_key(options_, random_));
    if (!network_definition_.is_member(crypto::public_key(*key_)))
        return Error{ErrorCode::kRefused, "this is a private network and the key " +
                                              to_hex(crypto::public_key(*key_)) +
                                              " is not one of its members"};
    const bool trains = !options_.train.empty();
    const std::uint64_t needed_mib = memory_needed(network_definition_, trains) >> 20;
    if (options_.memory_mib != 0 && needed_mib > options_.memory_mib)
        return Error{ErrorCode::kFull, "this network's model needs about " +
                                           std::to_string(needed_mib) +
                                           " MiB; raise --memory to take part"};
    if (options_.nice != 0) ::setpriority(PRIO_PROCESS, 0, options_.nice);
    ASSIGN_OR_RETURN(kernels_, tensor::kernels_from_environment());

    loop_ = std::make_unique<net::AsioLoop>();
    book_ = std::make_unique<net::PeerBook>(random_);
    net::TlsOptions tls{
        .listen = options_.listen, .key = *key_, .genesis = chain::genesis_id(network_definition_)};
    const LinkBounds bounds = link_bounds(files);
    tls.max_peers = bounds.peers;
    tls.max_inbound = bounds.inbound;
    tls.max_pending = bounds.pending;
    tls.on_failed = [this](const std::string& address, bool outbound, const std::string& reason) {
        if (!outbound) return;
        log_info("no link to {}: {}", address, reason);
        if (node_) node_->on_dial_failed(address);
        if (fetcher_) fetcher_->on_dial_failed(address);
    };
    ASSIGN_OR_RETURN(network_, net::TlsNetwork::start(*loop_, random_, std::move(tls)));
    ask_router();
    const auto missing = assets_.missing(network_definition_);
    if (missing.empty()) return start_node();
    if (options_.connect.empty())
        return not_found("asset " + to_hex(missing.front()) +
                         " of this network is not here: put it into " + options_.directory +
                         "/assets, or give --connect HOST:PORT to fetch it from a peer");
    for (const std::string& address : options_.connect)
        book_->add(address, net::AddressSource::kUser);
    log_info("fetching {} of the network's files from peers", missing.size());
    fetcher_ =
        std::make_unique<AssetFetcher>(clock_, *loop_, *network_, *book_, assets_,
                                       chain::genesis_id(network_definition_), missing, [this] {
                                           fetcher_.reset();
                                           failure_ = start_node();
                                           if (!failure_.ok()) stop();
                                       });
    fetcher_->start();
    return ok_status();
}

void Process::ask_router() {
    const net::PortAsking asking = options_.map_port.value_or(
        network_definition_.is_private() ? net::PortAsking::kNot : net::PortAsking::kNatPmp);
    mapper_ = net::map_port(*loop_, asking, network_->listen_address(),
                            [this](const net::PortReport& report) {
                                log_info("{}", report.sentence);
                                const bool reachable = report.mapping && report.reachable;
                                network_->name_port(reachable ? report.mapping->outside.port : 0);
                                if (options_.port_mapped) options_.port_mapped(report);
                            });
}

Result<std::vector<std::uint32_t>> Process::text_asset(const Hash256& hash) {
    ASSIGN_OR_RETURN(const auto bytes, assets_.get(hash));
    return token_text_from_bytes(*bytes);
}

Status Process::load_model() {
    pool_ = std::make_unique<ThreadPool>(options_.threads);
    ASSIGN_OR_RETURN(auto judge, text_asset(network_definition_.judge_hash));
    std::vector<std::uint32_t> report;
    if (!network_definition_.report_hash.is_zero()) {
        ASSIGN_OR_RETURN(report, text_asset(network_definition_.report_hash));
    }
    if (!network_definition_.tokenizer_hash.is_zero()) {
        ASSIGN_OR_RETURN(const auto bytes, assets_.get(network_definition_.tokenizer_hash));
        ASSIGN_OR_RETURN(tokenizer_, text::parse_tokenizer(*bytes));
    }
    ASSIGN_OR_RETURN(model_, worth::ChainModel::create(network_definition_, std::move(judge),
                                                       {kernels_, pool_.get()}));
    reader_ = std::make_unique<ChainModelReader>(*model_, std::move(report), tokenizer_, kernels_,
                                                 options_.threads);
    return ok_status();
}

Status Process::load_trainer() {
    if (options_.train.empty()) return ok_status();
    if (!tokenizer_)
        return Error{ErrorCode::kUnsupported, "this network names no tokenizer to train with"};
    std::vector<std::uint32_t> tokens;
    for (const std::string& name : options_.train) {
        ASSIGN_OR_RETURN(const std::string text, read_text_file(name));
        tokens.push_back(tokenizer_->begin_token());
        const text::Tokens more = tokenizer_->encode(text);
        tokens.insert(tokens.end(), more.begin(), more.end());
    }
    log_info("training on {} private tokens", tokens.size());
    const std::uint64_t seed = options_.seed != 0 ? options_.seed : random_.u64();
    ASSIGN_OR_RETURN(trainer_, LocalTrainer::create(network_definition_, std::move(tokens), seed,
                                                    kernels_, options_.threads));
    return ok_status();
}

NodeConfig Process::config() const {
    NodeConfig config{network_definition_, *key_, options_.connect, 8, {}, {}, {}, {}, {}, {}};
    config.fresh = options_.fresh;
    config.mempool.payments.min_fee_rate = options_.min_fee_rate;
    config.miner.enabled = options_.mine;
    config.miner.hashes_per_slice = options_.hashes_per_slice;
    config.miner.slice_pause_ms = options_.slice_pause_ms;
    return config;
}

Status Process::start_node() {
    RETURN_IF_ERROR(load_model());
    RETURN_IF_ERROR(load_trainer());
    ASSIGN_OR_RETURN(store_, store::Store::open(options_.directory));
    node_ = std::make_unique<Node>(config(), LedgerSeams{*store_, *model_},
                                   NodeSeams{clock_, random_, *loop_, *network_, reader_.get(),
                                             trainer_.get(), [this](const Hash256& hash) {
                                                 const auto bytes = assets_.get(hash);
                                                 return bytes.ok() ? *bytes : nullptr;
                                             }});
    // Not before the chain is restored: until then the node would tell height 0.
    return node_->start([this] {
        log_info("node {} of network {} listens at {}", short_hex(crypto::public_key(*key_)),
                 network_definition_.name, network_->listen_address());
        take_up_payments();
        if (options_.started) options_.started(*node_, *loop_);
    });
}

void Process::take_up_payments() {
    has_pool_ = true;
    std::vector<chain::Payment> payments = kept_payments(PosixDisk(options_.directory));
    if (payments.empty()) return;
    const std::size_t count = payments.size();
    std::vector<ItemPtr> items;
    for (chain::Payment& payment : payments) items.push_back(make_item(std::move(payment)));
    node_->return_payments(std::move(items), [count](std::size_t pooled) {
        log_info(
            "of {} payments that waited when the node stopped, {} wait again; the others are "
            "in a block or can no longer be",
            count, pooled);
    });
}

void Process::keep_payments() {
    if (!has_pool_) return;
    std::vector<chain::Payment> payments = node_->payments_to_keep();
    if (payments.size() > kMaxKeptPayments) payments.resize(kMaxKeptPayments);
    PosixDisk disk(options_.directory);
    const Status kept = node::keep_payments(disk, payments);
    if (!kept.ok())
        log_error("{} payments that wait for a block are lost: {}", payments.size(),
                  kept.error().message);
}

void Process::poll() {
    if (options_.should_stop && options_.should_stop()) return stop();
    loop_->call_after(kPollMs, [this] { poll(); });
}

void Process::stop() {
    if (node_ && options_.stopping) options_.stopping();
    if (node_) node_->stop();
    loop_->stop();
}

Status Process::run() {
    loop_->on_terminate([this] { stop(); });
    if (options_.should_stop) poll();
    loop_->run();
    keep_payments();
    fetcher_.reset();
    mapper_.reset();
    network_.reset();
    loop_.reset();
    node_.reset();
    return failure_;
}

}  // namespace

Status run_node(const NodeOptions& options) {
    Process process(options);
    RETURN_IF_ERROR(process.prepare());
    return process.run();
}

}  // namespace cairn::node
