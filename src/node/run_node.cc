#include "node/run_node.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/disk.h"
#include "base/files.h"
#include "base/free_memory.h"
#include "base/log.h"
#include "base/priority.h"
#include "net/tls_network.h"
#include "node/asset_fetcher.h"
#include "node/directory_network.h"
#include "node/kept_payments.h"
#include "node/load_parts.h"
#include "node/memory_needed.h"
#include "node/node.h"
#include "node/node_front.h"
#include "node/open_files.h"
#include "serve/server_probe.h"

namespace cairn::node {
namespace {

constexpr std::string_view kKeyFile = "node.key";
constexpr std::uint64_t kPollMs = 200;
constexpr std::uint64_t kWatchMs = 1'000;
constexpr std::uint64_t kAnnounceMs = 30'000;
constexpr std::uint64_t kAskAgainMs = 5'000;
/// What another program locks is tried again, and said meanwhile.
constexpr int kBusyMs = 2'000;
constexpr std::uint64_t kWatchSecretsMs = 3'000;
/// Files of a data directory that only its owner may open.
constexpr std::array<std::string_view, 3> kSecretFiles{kKeyFile, "api.json", "wallet.cairn"};

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

/// Of the files in `directory` that hold secrets, those that others on this machine can open.
std::vector<std::string> readable_secrets(const std::string& directory) {
    std::vector<std::string> found;
    for (const std::string_view name : kSecretFiles) {
        const std::string path = directory + "/" + std::string(name);
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) found.push_back(path);
    }
    return found;
}

Status check_same_network(const store::Store& store, const chain::NetworkDefinition& network,
                          const std::string& directory) {
    const auto known = store.network();
    if (!known.ok() || *known == chain::genesis_id(network)) return ok_status();
    return Error{ErrorCode::kRefused,
                 "the chain in " + directory + " is that of network " + short_hex(*known) +
                     ", and the network.json there is now that of " + name_and_id(network) +
                     ": it was edited or replaced. Put the file back as it was, or name another "
                     "--dir"};
}

/// One node process. run() ends its members in the order that node.h asks for.
class Process {
  public:
    explicit Process(const NodeOptions& options) : options_(options), assets_(options.directory) {}

    Status prepare();
    Status run();

  private:
    Status open_folder();
    Status check_network() const;
    Status start_network(std::size_t files);
    Status begin();
    void on_dial_failed(const std::string& address, const Error& reason);
    void load();
    Status start_node(std::unique_ptr<NodeParts> parts);
    void ask_router();
    NodeConfig config() const;
    NodeStatus starting_status() const;
    void take_up_payments();
    void on_running();
    void keep_payments();
    void watch_fetching();
    void watch_secrets();
    /// Tells the network of a layer server, and again; `first`: it was not in vain before.
    void announce(const std::string& address, bool first);
    void poll();
    void stop();
    void fail(const Error& error);

    const NodeOptions& options_;
    Assets assets_;
    PosixDisk own_disk_{options_.directory};
    chain::NetworkDefinition network_definition_;
    std::optional<crypto::SecretKey> key_;
    SystemClock clock_;
    SystemRandom random_;
    const tensor::Kernels* kernels_ = nullptr;
    Conditions conditions_{clock_};
    ReachWatch reach_;  // while files are fetched; later the node has one
    NodeFront front_{[this] { return starting_status(); }};
    std::unique_ptr<NodeParts> parts_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<net::PeerBook> book_;
    std::unique_ptr<net::AsioLoop> loop_;
    std::unique_ptr<net::TlsNetwork> network_;
    std::unique_ptr<RunService> service_;
    std::unique_ptr<Auditor> auditor_;
    std::unique_ptr<serve::TlsProbe> probe_;
    std::unique_ptr<AssetFetcher> fetcher_;
    std::unique_ptr<net::PortMapper> mapper_;
    bool has_pool_ = false;  // payments.pool was read; before that an empty pool would erase it
    Status failure_ = ok_status();
};

/// The folder is ours alone from here on, and of the right network.
Status Process::open_folder() {
    if (options_.directory.empty()) return invalid("a node needs a directory: give --dir");
    // Without a definition for it a folder that is not there was probably mistyped.
    if (!options_.network_file.empty()) RETURN_IF_ERROR(make_private_folder(options_.directory));
    ASSIGN_OR_RETURN(network_definition_,
                     load_network(options_.directory, options_.network_file, assets_));
    ASSIGN_OR_RETURN(store_, store::Store::open(options_.directory, {.busy_timeout_ms = kBusyMs}));
    RETURN_IF_ERROR(check_same_network(*store_, network_definition_, options_.directory));
    ASSIGN_OR_RETURN(key_, load_key(options_, random_));
    return check_network();
}

/// Whether we can and may take part in it.
Status Process::check_network() const {
    if (options_.fresh && network_definition_.is_private())
        return Error{ErrorCode::kRefused,
                     "fresh keys cannot be used on " + network_definition_.name +
                         ": it is a private network, whose members are keys; leave out "
                         "--fresh-keys"};
    if (!network_definition_.is_member(crypto::public_key(*key_)))
        return Error{ErrorCode::kRefused,
                     "this is a private network and the key " + to_hex(crypto::public_key(*key_)) +
                         " is not one of its members; " +
                         (options_.key ? "it is the wallet's: ask whoever made the network"
                                       : "it is that of " + options_.directory + "/" +
                                             std::string(kKeyFile) +
                                             ": if your wallet's address is a member, give "
                                             "--wallet")};
    if (network_definition_.one_winner() && !options_.train.empty() && !options_.mine)
        return misused("in " + network_definition_.name +
                       " an update travels in the block of who made it and nowhere else: give "
                       "--mine beside --train");
    if (const Status shape = model::validate(worth::model_config(network_definition_)); !shape.ok())
        return Error{shape.error().code, "the definition of " + network_definition_.name +
                                             " names a model that cannot be (" +
                                             shape.error().message +
                                             "); get it again from whoever made the network"};
    const std::uint64_t needed_mib =
        memory_needed(network_definition_, !options_.train.empty()) >> 20;
    const std::string needed =
        "this network's model needs about " + std::to_string(needed_mib) + " MiB";
    if (options_.memory_mib != 0 && needed_mib > options_.memory_mib)
        return Error{ErrorCode::kFull, needed + "; raise --memory to take part"};
    // A definition may come from anybody, and who runs out of memory is killed without a word.
    const std::uint64_t have_mib = total_memory_bytes().value_or(~std::uint64_t{0}) >> 20;
    if (options_.memory_mib == 0 && needed_mib > have_mib)
        return Error{ErrorCode::kFull, needed + ", and this machine has " +
                                           std::to_string(have_mib) +
                                           " MiB: take part from a larger one, or give "
                                           "--memory " +
                                           std::to_string(needed_mib) + " to try all the same"};
    return ok_status();
}

Status Process::start_network(std::size_t files) {
    loop_ = std::make_unique<net::AsioLoop>();
    book_ = std::make_unique<net::PeerBook>(random_);
    net::TlsOptions tls{
        .listen = options_.listen, .key = *key_, .genesis = chain::genesis_id(network_definition_)};
    const LinkBounds bounds = link_bounds(files);
    tls.max_peers = bounds.peers;
    tls.max_inbound = bounds.inbound;
    tls.max_pending = bounds.pending;
    tls.kept_for_use = std::min(tls.kept_for_use, bounds.inbound / 4);
    tls.on_failed = [this](const std::string& address, bool outbound, const Error& reason) {
        if (outbound) on_dial_failed(address, reason);
    };
    ASSIGN_OR_RETURN(network_, net::TlsNetwork::start(*loop_, random_, std::move(tls)));
    if (options_.serving) {
        ASSIGN_OR_RETURN(service_, RunService::open(*loop_, random_, *key_, *options_.serving));
    }
    return ok_status();
}

void Process::on_dial_failed(const std::string& address, const Error& reason) {
    log_info("no link to {}: {}", address, reason.message);
    reach_.on_failed(address, reason);
    if (node_) node_->on_dial_failed(address, reason);
    if (fetcher_) fetcher_->on_dial_failed(address);
}

Status Process::prepare() {
    ASSIGN_OR_RETURN(const std::size_t files, provide_open_files());
    RETURN_IF_ERROR(open_folder());
    if (options_.nice != 0) ::setpriority(PRIO_PROCESS, 0, options_.nice);
    ASSIGN_OR_RETURN(kernels_, tensor::kernels_from_environment());
    RETURN_IF_ERROR(start_network(files));
    if (const int steps = training_behind(options_); steps > 0)
        for (const Lane lane : {Lane::kTrain, Lane::kMine})
            offload(*loop_, lane, [steps] { step_back(steps); });
    return begin();
}

/// Fetches what is missing, and then loads the node.
Status Process::begin() {
    ask_router();
    const auto missing = assets_.missing(network_definition_);
    if (missing.empty()) {
        load();
        return ok_status();
    }
    if (options_.connect.empty())
        return not_found("asset " + to_hex(missing.front()) +
                         " of this network is not here: put it into " + options_.directory +
                         "/assets, or give --connect HOST:PORT to fetch it from a peer");
    for (const std::string& address : options_.connect)
        book_->add(address, net::AddressSource::kUser);
    fetcher_ =
        std::make_unique<AssetFetcher>(clock_, *loop_, *network_, *book_, assets_,
                                       chain::genesis_id(network_definition_), missing, [this] {
                                           fetcher_.reset();
                                           conditions_.clear(condition::kFetching);
                                           load();
                                       });
    fetcher_->start();
    watch_fetching();
    return ok_status();
}

void Process::watch_fetching() {
    if (!fetcher_) return;
    const std::size_t missing = fetcher_->missing().size();
    const std::size_t sources = fetcher_->sources();
    conditions_.note(condition::kFetching,
                     std::to_string(missing) + (missing == 1 ? " file" : " files") +
                         " of the network must still come from peers before the chain can be "
                         "followed" +
                         (sources == 0 ? "" : ", and " + std::to_string(sources) + " are linked"));
    reach_.look({sources, options_.connect, book_->size(), network_definition_.name,
                 network_->listen_address()},
                clock_.monotonic_us() / 1000, conditions_);
    loop_->call_after(kWatchMs, [this] { watch_fetching(); });
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

// On the lane of the chain, which has nothing else to do yet; the loop answers meanwhile.
void Process::load() {
    const std::uint64_t seed = options_.seed != 0 ? options_.seed : random_.u64();
    offload(
        *loop_, Lane::kChain,
        [this, seed] { return load_parts(options_, network_definition_, assets_, kernels_, seed); },
        [this](Result<std::unique_ptr<NodeParts>> parts) {
            const Status started = parts.ok() ? start_node(std::move(*parts)) : parts.error();
            if (!started.ok()) fail(started.error());
        });
}

NodeConfig Process::config() const {
    NodeConfig config{network_definition_, *key_, options_.connect, 8, {}, {}, {}, {}, {}, {}};
    config.fresh = options_.fresh;
    config.channel_secrets = options_.channel_secrets;
    config.mempool.payments.min_fee_rate = options_.min_fee_rate;
    config.miner.enabled = options_.mine;
    config.evidence = evidence_options(options_, *parts_);
    config.miner.hashes_per_slice =
        hashes_per_slice(network_definition_.work, options_.hash_rate, config.miner.slice_pause_ms);
    return config;
}

Status Process::start_node(std::unique_ptr<NodeParts> parts) {
    parts_ = std::move(parts);
    ASSIGN_OR_RETURN(probe_, serve::TlsProbe::start(*loop_, random_, clock_));
    NodeSeams seams{clock_,
                    random_,
                    *loop_,
                    *network_,
                    parts_->reader.get(),
                    parts_->trainer.get(),
                    [this](const Hash256& hash) {
                        const auto bytes = assets_.get(hash);
                        return bytes.ok() ? *bytes : nullptr;
                    },
                    [directory = options_.directory](const auto& own) {
                        PosixDisk disk(directory);
                        return node::keep_payments(disk, own);
                    },
                    &own_disk_,
                    &conditions_,
                    [this](const std::string& address, auto answer) {
                        probe_->probe().ask(address, std::move(answer));
                    },
                    [this](net::PeerId peer) { return network_->group_of(peer); }};
    node_ =
        std::make_unique<Node>(config(), LedgerSeams{*store_, *parts_->model}, std::move(seams));
    return node_->start([this] {
        log_info("node {} of network {} listens at {}", short_hex(crypto::public_key(*key_)),
                 network_definition_.name, network_->listen_address());
        take_up_payments();
    });
}

NodeStatus Process::starting_status() const {
    NodeStatus status;
    status.state = fetcher_ ? state::kFetching : state::kLoading;
    status.conditions = conditions_.now();
    status.genesis_id = chain::genesis_id(network_definition_);
    status.network_name = network_definition_.name;
    status.node_key = status.miner_key = crypto::public_key(*key_);
    status.listen_address = network_->listen_address();
    if (fetcher_)
        for (const Hash256& hash : fetcher_->missing())
            status.missing_assets.push_back(to_hex(hash));
    return status;
}

// Before others are answered, so that the pool is told as it was.
void Process::take_up_payments() {
    has_pool_ = true;
    std::vector<chain::Payment> payments = kept_payments(PosixDisk(options_.directory));
    if (payments.empty()) return on_running();
    const std::size_t count = payments.size();
    node_->take_up_payments(std::move(payments), [this, count](std::size_t pooled) {
        log_info(
            "of {} payments that waited when the node stopped, {} wait again; the others are "
            "in a block or can no longer be",
            count, pooled);
        on_running();
    });
}

void Process::on_running() {
    front_.set_node(node_.get());
    if (service_) {
        service_->start(clock_, *kernels_, *node_, own_disk_, parts_->served, options_.threads);
        front_.set_serving([this] { return service_->service()->view(); });
    }
    if (options_.verifying) {
        auditor_ = std::make_unique<Auditor>(*loop_, *node_, auditor_options(options_, *parts_));
        front_.set_verifying([this] { return auditor_->view(); });
    }
    for (const std::string& address : options_.announce) announce(address, true);
    if (options_.running) options_.running(front_, *loop_);
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

void Process::watch_secrets() {
    offload(
        *loop_, Lane::kRead,
        [directory = options_.directory] { return readable_secrets(directory); },
        [this](const std::vector<std::string>& found) {
            if (found.empty())
                conditions_.clear(condition::kSecrets);
            else
                conditions_.set(
                    condition::kSecrets,
                    "others on this machine can open " + found.front() + ", which holds a secret",
                    "make it yours alone (chmod 600 " + found.front() +
                        ") and start the node again, which makes a new API token");
            loop_->call_after(kWatchSecretsMs, [this] { watch_secrets(); });
        });
}

void Process::announce(const std::string& address, bool first) {
    probe_->probe().ask(address, [this, address, first](const Result<serve::Announce>& answer) {
        const Status told = answer.ok() ? node_->announce_server(*answer) : Status(answer.error());
        if (!told.ok() && first)
            log_warn("{} is not announced: {}; it is asked again", address, told.error().message);
        loop_->call_after(told.ok() ? kAnnounceMs : kAskAgainMs,
                          [this, address, again = told.ok()] { announce(address, again); });
    });
}

void Process::poll() {
    if (options_.should_stop && options_.should_stop()) return stop();
    loop_->call_after(kPollMs, [this] { poll(); });
}

void Process::stop() {
    if (options_.stopping) options_.stopping();
    if (node_) node_->stop();
    loop_->stop();
}

void Process::fail(const Error& error) {
    failure_ = error;
    stop();
}

Status Process::run() {
    loop_->on_terminate([this] { stop(); });
    if (options_.should_stop) poll();
    if (options_.started) loop_->post([this] { options_.started(front_, *loop_); });
    watch_secrets();
    loop_->run();
    front_.set_node(nullptr);
    auditor_.reset();
    fetcher_.reset();
    mapper_.reset();
    probe_.reset();
    network_.reset();
    if (service_) service_->end_links();
    loop_.reset();
    service_.reset();
    keep_payments();  // the chain lane, which writes that file too, has ended
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
