#include "serve/attention_ask.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "argument/proof.h"
#include "base/text.h"
#include "net/tls_network.h"
#include "serve/attention_messages.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kLookMs = 100;

/// The conversation; ends the loop when it has all or has failed.
class Asking final : public net::NetworkHandler {
  public:
    Asking(net::AsioLoop& loop, net::Network& network, const Exhibit& session,
           const model::ModelConfig& config, std::span<const audit::HeadPlace> heads,
           const AskOptions& options)
        : loop_(loop),
          network_(network),
          session_(session),
          rest_(heads),
          options_(options),
          proof_{session.terms, session.server, session.receipt, {}},
          width_(config.head_dim()) {
        for (const std::vector<float>& push : session.inputs)
            rows_.insert(rows_.end(), push.begin(), push.end());
        length_ = rows_.size() / config.dim;
        most_ = max_asked_heads(length_, width_);
    }

    void begin(const std::string& address) {
        network_.connect(address);
        wait();
        if (options_.cancelled) look();
    }
    void fail(const Error& error) {
        if (!error_) error_ = error;
        loop_.stop();
    }
    Result<AttentionProof> result() {
        if (error_) return *error_;
        return std::move(proof_);
    }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        if (info.key != session_.server)
            return fail(invalid("another server answers there than the one of the session: key " +
                                short_hex(info.key)));
        peer_ = peer;
        next();
    }
    void on_peer_down(net::PeerId, const std::string& reason) override {
        fail({ErrorCode::kIo, "the server's connection was lost: " + reason});
    }
    void on_message(net::PeerId, std::uint16_t kind, Bytes body) override {
        const auto message = static_cast<MessageKind>(kind);
        if (message == kAttention) return take(body);
        if (message != kNoAttention) return;
        const auto problem = decode_session_problem(body);
        if (!problem.ok()) return fail(problem.error());
        fail({ErrorCode::kRefused,
              fmt::format("the server gives no proof ({}): {}", refusal_name(problem->refusal),
                          printable_line(problem->reason))});
    }

  private:
    void next() {
        if (rest_.empty()) return loop_.stop();
        const auto asked = rest_.first(std::min(rest_.size(), most_));
        AttentionQuestion question{session_.terms, session_.receipt, {}, rows_};
        question.heads.assign(asked.begin(), asked.end());
        open_ = asked_ = asked.size();
        if (!send(network_, peer_, kAskAttention, encode(question)))
            return fail({ErrorCode::kIo, "the question cannot be sent"});
        wait();
    }
    void take(ByteView body) {
        auto answer = decode_attention_answer(body);
        if (!answer.ok()) return fail(answer.error());
        if (open_ == 0 || answer->session != session_.terms.session ||
            answer->claim.place != rest_.front())
            return fail(invalid("the server answers for another head than was asked"));
        // What is kept of a stranger's answers is what was asked for.
        const audit::HeadClaim& claim = answer->claim;
        if (claim.shifts.size() != length_ || claim.sums.size() != length_ * width_ ||
            claim.proof.size() > argument::largest_proof_bytes(length_))
            return fail(invalid("the server's answer is of another size than the session"));
        const bool is_first = open_ == asked_;
        proof_.claims.push_back(std::move(answer->claim));
        rest_ = rest_.subspan(1);
        if (--open_ == 0) return next();
        if (is_first) wait();
    }
    void wait() {
        if (timer_ != 0) loop_.cancel(timer_);
        timer_ = loop_.call_after(options_.max_wait_ms, [this] {
            fail({ErrorCode::kTimeout,
                  fmt::format("the server did not answer within {} s (one of an older version does "
                              "not know the question)",
                              options_.max_wait_ms / 1000)});
        });
    }
    void look() {
        if (options_.cancelled()) return fail({ErrorCode::kCancelled, "broken off"});
        loop_.call_after(kLookMs, [this] { look(); });
    }

    net::AsioLoop& loop_;
    net::Network& network_;
    const Exhibit& session_;
    std::span<const audit::HeadPlace> rest_;
    const AskOptions& options_;
    AttentionProof proof_;
    std::vector<float> rows_;
    std::size_t most_ = 1;
    std::size_t width_, length_ = 0;    // of the heads, and of the session
    std::size_t open_ = 0, asked_ = 0;  // heads of the question that is open: left, and all
    net::PeerId peer_ = 0;
    TimerId timer_ = 0;
    std::optional<Error> error_;
};

/// What no server can be asked, whoever it is.
Status check_question(const Exhibit& session, const model::ModelConfig& config, std::size_t heads) {
    std::size_t floats = 0;
    for (const std::vector<float>& push : session.inputs) floats += push.size();
    if (floats == 0 || floats > kMaxPushFloats)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("a question shows {} numbers at most, this session has {}",
                                 kMaxPushFloats, floats)};
    const std::size_t rows = floats / config.dim;
    if (rows * config.dim != floats) return invalid("the inputs are not rows of this model");
    RETURN_IF_ERROR(has_room_for(heads, rows, config));
    if (max_asked_heads(rows, config.head_dim()) == 0)
        return Error{
            ErrorCode::kUnsupported,
            fmt::format("what is claimed of a head of {} rows fits into no message", rows)};
    return ok_status();
}

}  // namespace

Result<AttentionProof> ask_attention(const std::string& address, const Exhibit& session,
                                     const model::ModelConfig& config,
                                     std::span<const audit::HeadPlace> heads,
                                     const AskOptions& options) {
    RETURN_IF_ERROR(check_question(session, config, heads.size()));
    SystemRandom random;
    net::AsioLoop loop;
    std::optional<Asking> asking;
    net::TlsOptions tls{.listen = "",
                        .key = crypto::SecretKey::generate(random),
                        .genesis = options.genesis,
                        .on_failed = [&](const std::string&, bool, const Error& reason) {
                            if (asking) asking->fail(reason);
                        }};
    ASSIGN_OR_RETURN(const std::unique_ptr<net::TlsNetwork> network,
                     net::TlsNetwork::start(loop, random, std::move(tls)));
    asking.emplace(loop, *network, session, config, heads, options);
    network->set_handler(&*asking);
    loop.post([&] { asking->begin(address); });
    loop.run();
    network->set_handler(nullptr);
    return asking->result();
}

}  // namespace cairn::serve
