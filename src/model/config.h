// ModelConfig: the shape of a transformer, as a value with one canonical encoding. The default is a
// Llama: RMSNorm before each branch, rotary positions, SwiGLU, no biases. The fields below it turn
// that into the other families that this program computes: Qwen (biases, q/k norm, wide heads),
// Gemma 3 (norms before and after each branch, GeGLU, scaled embeddings, layers that see a window),
// GPT-2 (LayerNorm, learned positions, GELU) and BERT-style encoders (norm after each branch, every
// token sees every token, hidden states instead of logits). A decoder may attend to the states of
// another text besides (cross attention): with the encoder that makes them it is an encoder-decoder
// such as BART (encoder_decoder.h).
//
// It is part of a network's definition and of every checkpoint, so it comes from outside:
// validate() bounds every field before anything is allocated from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/encoding.h"

namespace cairn::model {

enum class NormKind : std::uint8_t { kRms = 0, kLayer = 1 };
/// Where a branch has its norm: before it, x + f(norm(x)); after it, norm(x + f(x)), as in the
/// first transformers; or one before and one behind, x + norm2(f(norm1(x))).
enum class NormPosition : std::uint8_t { kPre = 0, kPost = 1, kBoth = 2 };
enum class PositionKind : std::uint8_t { kRotary = 0, kLearned = 1, kSinusoidal = 2 };
enum class FeedForward : std::uint8_t {
    kSwiglu = 0,
    kGelu = 1,
    kGeluTanh = 2,
    kRelu = 3,
    kGeglu = 4,
};
enum class RopeScalingKind : std::uint8_t { kNone = 0, kLinear = 1, kLlama3 = 2, kYarn = 3 };

/// The matrices of a layer that may be kept as two thin factors, W = U V (papers B: Eq 8).
enum class Projection : std::uint8_t { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown };
inline constexpr std::size_t kProjections = 7;

/// The rank of each projection of one layer; 0: the matrix is whole.
using LayerRanks = std::array<std::uint16_t, kProjections>;

/// Into how many blocks the factors of a projection fall, each a product of its own: the right one
/// V into blocks of inputs, the left one U into blocks of outputs.
struct FactorBlocks {
    std::uint32_t right = 1;
    std::uint32_t left = 1;
};

/// How rotary frequencies are stretched for contexts longer than those of the first training; the
/// names are Hugging Face's rope_scaling. Fields that a kind does not use are zero.
///
/// tensor::RopeScaling (tensor/rope.h) says the same to the formulas; here is what a checkpoint
/// holds. Two types, since this one is encoded: fp32, one spelling of each scaling, no defaults.
struct RopeScale {
    RopeScalingKind kind = RopeScalingKind::kNone;
    float factor = 0.0F;
    float low_freq_factor = 0.0F;        ///< llama3
    float high_freq_factor = 0.0F;       ///< llama3
    float beta_fast = 0.0F;              ///< yarn
    float beta_slow = 0.0F;              ///< yarn
    float attention_factor = 0.0F;       ///< yarn: multiplies cos and sin
    std::uint32_t original_context = 0;  ///< llama3, yarn

    bool operator==(const RopeScale&) const = default;
};

struct ModelConfig {
    std::uint32_t dim = 0;         ///< width C of the residual stream
    std::uint32_t hidden_dim = 0;  ///< width of the feed-forward branch
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;     ///< query heads; dim / heads is the (even) head dimension
    std::uint32_t kv_heads = 0;  ///< key and value heads; divides heads
    std::uint32_t vocab = 0;
    std::uint32_t context = 0;  ///< longest sequence, in tokens
    float rope_theta = 10000.0F;
    float norm_eps = 1e-5F;
    bool tied_head = true;         ///< the output head is the token embedding
    bool rope_interleaved = true;  ///< pairs (2i, 2i+1) as llama2.c; else halves as Hugging Face

    NormKind norm = NormKind::kRms;
    NormPosition norm_position = NormPosition::kPre;
    PositionKind positions = PositionKind::kRotary;
    FeedForward feed_forward = FeedForward::kSwiglu;
    bool causal = true;                   ///< false: an encoder, without a head
    bool qkv_bias = false;                ///< after wq, wk, wv
    bool out_bias = false;                ///< after wo
    bool ffn_bias = false;                ///< after the matrices of the feed-forward
    bool qk_norm = false;                 ///< RMSNorm of each query and key head before rotation
    bool embedding_norm = false;          ///< a norm right after the embeddings
    std::uint32_t explicit_head_dim = 0;  ///< head dimension where it is not dim / heads; else 0
    std::uint32_t token_types = 0;  ///< rows of a segment embedding; row 0 is added to every token
    RopeScale rope_scale{};
    bool scaled_embedding = false;  ///< a token's row times sqrt(dim)
    /// Local layers: each query sees the last `window` keys only, and rotation has a theta of its
    /// own and no scaling. 0: there are none.
    std::uint32_t window = 0;
    std::uint32_t window_period = 0;  ///< every so many layers one is not local; 0 without a window
    float local_rope_theta = 0.0F;    ///< 0 without a window
    /// Tokens of another text that each layer attends to, at most, between its self-attention and
    /// its feed-forward: an encoder's states, of width dim. 0: there is no cross attention.
    std::uint32_t cross_context = 0;
    bool head_bias = false;  ///< added to the logits; with cross attention only
    /// Low rank: one entry for each layer, or nothing if all matrices are whole.
    std::vector<LayerRanks> ranks{};
    /// Each head's part of wq, wk, wv and wo has factors of its own, all of one rank.
    bool per_head = false;

    std::uint32_t head_dim() const {
        return explicit_head_dim != 0 ? explicit_head_dim : dim / heads;
    }
    /// Width of one position's queries.
    std::uint32_t q_dim() const { return head_dim() * heads; }
    /// Width of one position's keys (and of its values).
    std::uint32_t kv_dim() const { return head_dim() * kv_heads; }
    bool crosses() const { return cross_context != 0; }
    /// Whether hidden states become logits.
    bool has_head() const { return causal; }
    bool has_final_norm() const { return norm_position != NormPosition::kPost; }
    /// Whether the feed-forward has a gate.
    bool is_gated() const {
        return feed_forward == FeedForward::kSwiglu || feed_forward == FeedForward::kGeglu;
    }
    bool is_local(std::uint32_t layer) const {
        return window != 0 && (layer + 1) % window_period != 0;
    }
    /// The rank of one matrix's factors, for each head where they are per head; 0: it is whole.
    std::uint32_t rank(Projection projection, std::uint32_t layer) const {
        return ranks.empty() ? 0 : ranks[layer][static_cast<std::size_t>(projection)];
    }
    FactorBlocks blocks(Projection projection) const;
    /// Numbers of one position between the factors at that rank: of all heads where per head.
    std::uint32_t inner_width(Projection projection, std::uint32_t rank) const;
    /// The most of them in any layer; 0 if the matrix is whole in all.
    std::uint32_t widest_inner(Projection projection) const;
    /// Outputs and inputs of the whole matrix.
    std::uint32_t outputs(Projection projection) const;
    std::uint32_t inputs(Projection projection) const;
    /// Nothing but the first eleven fields and the ranks differs from the default.
    bool is_llama() const;

    bool operator==(const ModelConfig&) const = default;
};

inline constexpr std::uint32_t kMaxDim = 1U << 15;
inline constexpr std::uint32_t kMaxHiddenDim = 1U << 17;
inline constexpr std::uint32_t kMaxLayers = 1U << 9;
inline constexpr std::uint32_t kMaxHeads = 1U << 10;
inline constexpr std::uint32_t kMaxHeadDim = 1U << 10;
inline constexpr std::uint32_t kMaxVocab = 1U << 19;
inline constexpr std::uint32_t kMaxContext = 1U << 20;
inline constexpr std::uint32_t kMaxTokenTypes = 1U << 4;
inline constexpr float kMaxRopeTheta = 1e9F;
inline constexpr float kMinEps = 1e-12F;
inline constexpr float kMaxEps = 1e-1F;
inline constexpr std::uint64_t kMaxParameters = std::uint64_t{1} << 36;
/// The longest encoding.
inline constexpr std::size_t kMaxConfigBytes = 88 + 1 + kMaxLayers * kProjections * 2;

/// kInvalid with the field and its bound if the shape is not one that this program computes.
Status validate(const ModelConfig& config);

/// Whether that is a Gemma 3: its norms, its branches, its embedding; with windows or without.
bool is_gemma3(const ModelConfig& config);

/// The canonical bytes: 37 for a Llama, 88 with a window, 76 for the others; 1 more and 14 for each
/// layer where matrices are factors; 5 more with cross attention. Decode validates.
void encode(const ModelConfig& config, Writer& writer);
/// Who reads a model that stands alone refuses (kUnsupported) one that has to have an encoder.
enum class Crossing : std::uint8_t { kRefused, kTaken };
Result<ModelConfig> decode_config(Reader& reader, Crossing crossing = Crossing::kRefused);

/// One line for people: "dim 64, hidden 172, 5 layers, ...".
std::string describe(const ModelConfig& config);

}  // namespace cairn::model
