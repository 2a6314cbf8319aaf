"""Section 2 of chain.md: the network definition and its genesis id."""
import json
from types import SimpleNamespace

from . import schnorr, targets
from .encoding import list_of, tagged, u8, u16, u32, u64

KNOWN = (1, 1)  # numerics and rules
ZEROS = "00" * 32
CODECS = ("srht", "dense", "srht2", "gaussian", "ams", "count-sketch", "sparse-1", "sparse-2")
TOP16 = 2**16 - 1
TOP32 = 2**32 - 1
# name, type, smallest, largest, default; in the order of the table.
FIELDS = [
    ("name", "name", 1, 64, "cairn"),
    ("numerics_version", "u16", 1, TOP16, 1),
    ("rules_version", "u16", 1, TOP16, 1),
    ("upgrades", "upgrades", 0, 64, []),
    ("architecture.dim", "u32", 8, 16384, 128),
    ("architecture.hidden_dim", "u32", 8, 65536, 352),
    ("architecture.layers", "u32", 1, 256, 4),
    ("architecture.heads", "u32", 1, 256, 4),
    ("architecture.kv_heads", "u32", 1, 256, 4),
    ("architecture.vocab", "u32", 2, 2**20, 1024),
    ("architecture.context", "u32", 16, 65536, 128),
    ("architecture.rope_theta", "u32", 1, 10**8, 10000),
    ("architecture.norm_eps_ppb", "u32", 1, 10**7, 10000),
    ("architecture.tied_head", "bool", 0, 1, True),
    ("architecture.rope_interleaved", "bool", 0, 1, True),
    ("weights_seed", "u64", 0, 2**64 - 1, 1),
    ("tokenizer_hash", "hash", 0, 0, ZEROS),
    ("judge_hash", "hash", 0, 0, ZEROS),
    ("report_hash", "hash", 0, 0, ZEROS),
    ("judge_leaf_tokens", "u32", 1024, 2**20, 4096),
    ("codec.kind", "kind", 0, 1, "srht"),
    ("codec.log2_ratio", "u32", 0, 8, 3),
    ("codec.bits", "u32", 1, 16, 1),
    ("recipe.version", "u32", 1, 1, 1),
    ("recipe.local_steps", "u32", 1, 10**5, 30),
    ("recipe.batch_tokens", "u32", 16, 2**24, 1024),
    ("recipe.learning_rate_ppb", "u32", 1, 10**9, 3000000),
    ("recipe.warmup_rounds", "u32", 0, 10**6, 0),
    ("recipe.decay_rounds", "u32", 0, 10**8, 0),
    ("recipe.floor_ppb", "u32", 0, 10**9, 10**8),
    ("recipe.weight_decay_ppb", "u32", 0, 10**9, 0),
    ("recipe.beta1_ppb", "u32", 0, 10**9 - 1, 9 * 10**8),
    ("recipe.beta2_ppb", "u32", 0, 10**9 - 1, 99 * 10**7),
    ("recipe.adam_eps_ppb", "u32", 1, 10**6, 10),
    ("recipe.clip_ppb", "u32", 0, 4 * 10**9, 10**9),
    ("round_length", "u32", 1, 16, 4),
    ("reveal_depth", "u32", 0, 14, 0),
    ("norm_start", "u64", 4, 2**50, 2**24),
    ("window_rounds", "u32", 1, 1024, 16),
    ("novelty_rounds", "u32", 0, 16, 4),
    ("max_contributions", "u32", 1, 1024, 64),
    ("paid_contributions", "u32", 1, 1024, 16),
    ("genesis_time_ms", "u64", 0, 2**48, 0),
    ("spacing_ms", "u64", 100, 86400000, 2000),
    ("halflife_ms", "u64", 1000, 2**40, 120000),
    ("first_target", "u32", 0, TOP32, 0x1E0FFFFF),
    ("pow_limit", "u32", 0, TOP32, 0x20FFFFFF),
    ("share_factor", "u32", 1, 2**30, 64),
    ("subsidy_unit", "u64", 0, 2**48, 10**8),
    ("halving_rounds", "u32", 1, 10**9, 100000),
    ("carry_share", "u32", 0, 65536, 16384),
    ("coinbase_maturity", "u32", 0, 10**5, 8),
    ("max_block_bytes", "u32", 4096, 2**24, 2**23),
    ("max_payload_bytes", "u32", 16, 2**25, 2**20),
    ("max_payments", "u32", 1, 65536, 2048),
    ("max_commitments", "u32", 1, 4096, 256),
    ("members", "members", 0, 4096, []),
]
SOURCE_LENGTHS = ("judge_tokens", "report_tokens")
VERSIONS = ("numerics_version", "rules_version")
NUMBERS = {"u16": u16, "u32": u32, "u64": u64}
# Fields that came after the table was closed, each an extension: the id, then as above.
EXTENSIONS = [(1, "work", "work", 0, 0, "sha256d"), (2, "public_share", "u32", 0, 61440, 0),
              (3, "sources", "sources", 0, 16, []), (4, "optimiser", "optimiser", 0, 0, "adamw")]
NAME_BYTES = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def need(good, why):
    if not good:
        raise ValueError(f"network definition: {why}")


def is_hash(value):
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdefABCDEF")


def is_number(value, least, most):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def tiles(a):
    """How many tiles of 4096 parameters the model has; each tensor begins one."""
    kv = a.kv_heads * (a.dim // a.heads)
    layer = [a.dim, a.dim, a.dim**2, a.dim**2, a.dim * kv, a.dim * kv] + 3 * [a.dim * a.hidden_dim]
    sizes = layer * a.layers + [a.dim] + [a.vocab * a.dim] * (1 if a.tied_head else 2)
    return sum(-(-size // 4096) for size in sizes)


def encode_field(name, kind, least, most, value):
    """The field's bytes; raises ValueError where its value is out of bounds."""
    if kind in NUMBERS:
        need(is_number(value, least, most), f"{name} must be {least} to {most}")
        return NUMBERS[kind](value)
    if kind == "bool":
        need(isinstance(value, bool), f"{name} must be true or false")
        return u8(value)
    if kind == "hash":
        need(is_hash(value), f"{name} must be 64 hexadecimal digits")
        return bytes.fromhex(value)
    if kind == "kind":
        need(value in CODECS, f"{name} must be one of {', '.join(CODECS)}")
        return u8(CODECS.index(value))
    if kind == "work":
        need(value in ("sha256d", "argon2id"), f"{name} must be sha256d or argon2id")
        return u8(value == "argon2id")
    if kind == "optimiser":
        need(value in ("adamw", "sgd"), f"{name} must be adamw or sgd")
        return u8(value == "sgd")
    need(isinstance(value, str if kind == "name" else list), f"{name} has another type")
    need(least <= len(value) <= most, f"{name} has a bad length")
    if kind == "name":
        need(set(value) <= NAME_BYTES, "a character of the name is not allowed")
        return u32(len(value)) + value.encode()
    if kind == "upgrades":
        for upgrade in value:
            need(isinstance(upgrade, dict) and "height" in upgrade, "an upgrade has no height")
            need(set(upgrade) <= {"height", *VERSIONS}, "an upgrade has other fields")
            need(all(is_number(upgrade[v], 1, TOP16) for v in VERSIONS if v in upgrade), "an upgrade's version")
            need(is_number(upgrade["height"], 1, TOP32), "an upgrade's height")
        return list_of([u32(u["height"]) + b"".join(u16(u.get(v, 0)) for v in VERSIONS) for u in value])
    if kind == "sources":
        need(len(value) != 1, "one source is none")
        for source in value:
            need(isinstance(source, dict) and set(source) == {"name", *SOURCE_LENGTHS}, "a source has other fields")
            need(all(is_number(source[n], 0, TOP32) for n in SOURCE_LENGTHS), "a source's length")
        names = [encode_field("a source's name", "name", 1, 64, source["name"]) for source in value]
        need(len(set(names)) == len(names), "two sources have one name")
        return list_of([n + b"".join(u32(s[length]) for length in SOURCE_LENGTHS) for n, s in zip(names, value)])
    need(all(is_hash(key) for key in value), "a member is no key")
    return list_of([bytes.fromhex(key) for key in value])


def check_together(n):
    """The conditions between fields."""
    a, c = n.architecture, n.codec
    heights = [0] + [u["height"] for u in n.upgrades]
    need(all(p < q for p, q in zip(heights, heights[1:])), "upgrades do not ascend")
    need(all(len(u) > 1 for u in n.upgrades), "an upgrade names no version")
    for version in VERSIONS:
        steps = [getattr(n, version)] + [u[version] for u in n.upgrades if version in u]
        need(all(p < q for p, q in zip(steps, steps[1:])), f"the upgrades' {version} does not ascend")
    need(is_known(versions_at(n, 0)), "the network begins with versions that are not known here")
    need(a.dim % a.heads == 0 and a.dim // a.heads % 2 == 0, "heads do not divide dim into even parts")
    need(a.heads % a.kv_heads == 0, "kv_heads do not divide heads")
    need(a.context & (a.context - 1) == 0, "context is no power of two")
    leaf = n.judge_leaf_tokens
    need(leaf & (leaf - 1) == 0 and a.context <= leaf, "judge_leaf_tokens is no power of two, or below context")
    need(c.bits in (1, 4, 8, 16), "codec.bits")
    need(c.kind != "dense" or (c.bits == 8 and c.log2_ratio == 0), "dense means 8 bits and log2_ratio 0")
    reported = bool(n.sources) and n.sources[0]["report_tokens"] != 0
    for source in n.sources:
        need(source["judge_tokens"] > a.context, "a source is no longer than the context")
        need(source["report_tokens"] > a.context if reported else source["report_tokens"] == 0, "a source's report text")
    need(c.bits > 1 or c.kind in ("srht", "srht2"), "only srht and srht2 have 1 bit")
    if c.kind in ("gaussian", "ams"):
        steps = tiles(a) * 4096 * (4096 >> c.log2_ratio) * n.max_contributions
        need(steps <= 2**34, f"{c.kind} would take too long")
    if one_winner(n):
        need(n.max_contributions == n.paid_contributions == 1, "more than one contribution where round_length is 1")
        need(n.carry_share == n.novelty_rounds == 0, "carry_share or novelty_rounds where round_length is 1")
    need(n.reveal_depth <= max(0, n.round_length - 2), "reveal_depth is above round_length - 2")
    need(n.paid_contributions <= n.max_contributions, "more paid than merged contributions")
    need(n.halflife_ms >= n.spacing_ms, "halflife_ms is below spacing_ms")
    need(targets.is_compact(n.first_target) and targets.is_compact(n.pow_limit), "a target is not compact")
    need(targets.expand(n.first_target) <= targets.expand(n.pow_limit), "first_target is easier than pow_limit")
    need(n.max_payload_bytes + 1024 + 41 * (n.max_contributions + 1) <= n.max_block_bytes, "max_block_bytes is too small")
    need(n.subsidy_unit * n.paid_contributions * n.halving_rounds <= 2**61, "too many coins")
    keys = [bytes.fromhex(key) for key in n.members]
    need(all(p < q for p, q in zip(keys, keys[1:])), "members are not sorted")
    need(all(schnorr.lift(key) for key in keys), "a member is no valid key")


def flat(definition):
    """The definition with `architecture`, `codec` and `recipe` opened: dotted names."""
    result = {}
    for name, value in definition.items():
        if name in ("architecture", "codec", "recipe"):
            need(isinstance(value, dict), f"{name} must be an object")
            result.update({f"{name}.{inner}": v for inner, v in value.items()})
        else:
            result[name] = value
    return result


def once(pairs):
    """An object of JSON, in which no name may stand twice."""
    need(len(dict(pairs)) == len(pairs), "a name stands twice in one object")
    return dict(pairs)


def load(path):
    """Reads and checks a network.json; raises ValueError."""
    with open(path, encoding="utf-8") as file:
        given = flat(json.load(file, object_pairs_hook=once))
    unknown = set(given) - {field[0] for field in FIELDS} - {field[1] for field in EXTENSIONS}
    need(not unknown, f"unknown fields {sorted(unknown)}")
    network = SimpleNamespace(architecture=SimpleNamespace(), codec=SimpleNamespace(), recipe=SimpleNamespace())
    founded = b"cairnnet" + u32(1)  # the definition without its upgrades
    for name, kind, least, most, default in FIELDS:
        value = given.get(name, default)
        encoded = encode_field(name, kind, least, most, value)
        founded += list_of([]) if name == "upgrades" else encoded
        *outer, inner = name.split(".")
        setattr(getattr(network, outer[0]) if outer else network, inner, value)
    founded += list_of(extensions(network, given))
    check_together(network)
    network.genesis_id = tagged("cairn/genesis-id", founded)
    network.member_keys = {bytes.fromhex(key) for key in network.members}
    return network


def extensions(network, given):
    """The encodings of those that differ from their default."""
    result = []
    for number, name, kind, least, most, default in EXTENSIONS:
        value = given.get(name, default)
        setattr(network, name, value)
        encoded = encode_field(name, kind, least, most, value)
        if encoded != encode_field(name, kind, least, most, default):
            result.append(u16(number) + u32(len(encoded)) + encoded)
    return result


def versions_at(network, height):
    """The numerics version and the rules version of a block at this height."""
    numerics, rules = network.numerics_version, network.rules_version
    for upgrade in network.upgrades:
        if upgrade["height"] <= height:
            numerics = upgrade.get("numerics_version", numerics)
            rules = upgrade.get("rules_version", rules)
    return numerics, rules


def is_known(versions):
    return versions[0] <= KNOWN[0] and versions[1] <= KNOWN[1]


def one_winner(network):
    return network.round_length == 1


def is_first_of_round(network, height):
    return (height - 1) % network.round_length == 0


def round_of(network, height):
    """The round of a block above genesis."""
    return (height - 1) // network.round_length
