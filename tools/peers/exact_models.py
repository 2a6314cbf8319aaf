"""Forward passes of published models in numpy, in float64, written from their papers and configurations alone: what
Cairn and llama.cpp are both measured against.
"""
import json
import math

import numpy as np

import gguf_file

def minilm(folder, tokens):
    """MiniLM's vector of one text, in float64, from its file and the paper."""
    raw = (folder / "model.safetensors").read_bytes()
    header_size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + header_size])
    config = json.loads((folder / "config.json").read_text())

    def tensor(name):
        entry = next(v for k, v in header.items() if k.removeprefix("bert.") == name)
        assert entry["dtype"] == "F32"
        begin, end = (8 + header_size + at for at in entry["data_offsets"])
        return np.frombuffer(raw[begin:end], dtype=np.float32).reshape(entry["shape"]).astype(np.float64)

    def linear(x, name):
        return x @ tensor(name + ".weight").T + tensor(name + ".bias")

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return x * tensor(name + ".weight") + tensor(name + ".bias")

    erf = np.vectorize(__import__("math").erf)
    n, heads = len(tokens), config["num_attention_heads"]
    x = norm(tensor("embeddings.word_embeddings.weight")[tokens] +
             tensor("embeddings.position_embeddings.weight")[:n] +
             tensor("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        q, k, v = (linear(x, at + "attention.self." + part).reshape(n, heads, -1).transpose(1, 0, 2)
                   for part in ("query", "key", "value"))
        p = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        p = np.exp(p - p.max(-1, keepdims=True))
        mixed = (p / p.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, -1)
        x = norm(x + linear(mixed, at + "attention.output.dense"), at + "attention.output.LayerNorm")
        up = linear(x, at + "intermediate.dense")
        up = up * 0.5 * (1 + erf(up / np.sqrt(2)))
        x = norm(x + linear(up, at + "output.dense"), at + "output.LayerNorm")
    vector = x.mean(0)
    return vector / np.sqrt(vector @ vector)


def rms_norm(x, gamma, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gamma


def rotated(x, positions, theta):
    """x: [heads, tokens, width]; pairs are halves."""
    half = x.shape[-1] // 2
    angles = positions[:, None] * theta ** (-np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1)


def gemma3(path, tokens, wanted):
    """Logits behind the tokens at the positions `wanted`: [wanted, vocabulary]. Quantised weights count as their
    numbers; every sixth layer sees all, the others 512 tokens."""
    file = gguf_file.File(path)
    keys = {key.removeprefix("gemma3."): value for key, value in file.keys.items()}
    n, dim, eps = len(tokens), keys["embedding_length"], keys["attention.layer_norm_rms_epsilon"]
    heads, kv_heads = keys["attention.head_count"], keys["attention.head_count_kv"]
    width, window = keys["attention.key_length"], keys["attention.sliding_window"]

    def tensor(name):
        kind, shape, raw = file.tensors[name + ".weight"]
        return gguf_file.values(kind, raw).reshape(shape).astype(np.float64)

    kind, shape, raw = file.tensors["token_embd.weight"]
    embedding = gguf_file.values(kind, raw).reshape(shape)
    x = embedding[tokens].astype(np.float64) * math.sqrt(dim)
    positions = np.arange(n)
    far = positions[:, None] - positions[None, :]
    for layer in range(keys["block_count"]):
        at, local = f"blk.{layer}.", (layer + 1) % 6 != 0
        theta = 10000.0 if local else keys["rope.freq_base"]
        seen = (far >= 0) & (far < window) if local else far >= 0
        h = rms_norm(x, tensor(at + "attn_norm"), eps)
        q, k, v = ((h @ tensor(at + part).T).reshape(n, -1, width).transpose(1, 0, 2)
                   for part in ("attn_q", "attn_k", "attn_v"))
        q = rotated(rms_norm(q, tensor(at + "attn_q_norm"), eps), positions, theta)
        k = rotated(rms_norm(k, tensor(at + "attn_k_norm"), eps), positions, theta)
        k, v = (np.repeat(part, heads // kv_heads, axis=0) for part in (k, v))
        scores = np.where(seen, q @ k.transpose(0, 2, 1) / math.sqrt(width), -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (p / p.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, -1)
        x = x + rms_norm(mixed @ tensor(at + "attn_output").T, tensor(at + "post_attention_norm"), eps)
        h = rms_norm(x, tensor(at + "ffn_norm"), eps)
        gate, up = h @ tensor(at + "ffn_gate").T, h @ tensor(at + "ffn_up").T
        gate = gate * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate ** 3)))
        x = x + rms_norm((gate * up) @ tensor(at + "ffn_down").T, tensor(at + "post_ffw_norm"), eps)
    x = rms_norm(x[wanted], tensor("output_norm"), eps)
    return np.concatenate([x @ embedding[row:row + 16384].astype(np.float64).T
                           for row in range(0, shape[0], 16384)], axis=1)
