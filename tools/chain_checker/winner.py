"""Section 7 of chain.md, "One winner a block": what differs where round_length is 1."""
from math import isqrt
from operator import mul

from . import codec, schnorr, state
from .encoding import Refused, tagged
from .network import round_of
from .objects import Commitment

WORTH = 1
WEIGHT = 2**16


def need(good, why):
    if not good:
        raise Refused("C5", why)


def block_commitment(chain, miner, payload):
    """The commitment that a block of this miner on the tip is to the payload in it."""
    promised = tagged("cairn/payload-commitment", miner + payload)
    return Commitment(round_of(chain.network, chain.height + 1), chain.hash, miner, promised, 0, bytes(64))


def check_contribution(chain, block, changes):
    """C5 and C6 of the one contribution that check_body lets through."""
    network, miner = chain.network, block.coinbase.miner
    for contribution in block.contributions:
        commitment = block_commitment(chain, miner, contribution.payload)
        need(contribution.commitment_id == commitment.id(), "a contribution that is not this block's miner's")
        merged_before = {h for merge in chain.merges for h in merge.payload_hashes}
        need(contribution.payload_hash() not in merged_before, "a payload that was merged before")
        good = schnorr.verify(miner, contribution.message(network.genesis_id), contribution.signature)
        need(good, "a contribution's signature is wrong")
        delta = codec.decode(network, commitment, contribution.payload)
        norm, mean = isqrt(sum(sum(map(mul, tile, tile)) for tile in delta)), state.mean_norm(network, chain.merges)
        need(4 * norm >= mean, f"a norm of {norm} is below a quarter of the mean {mean}")
        need(norm <= 2 * mean, f"a norm of {norm} is above twice the mean {mean}")
        changes.accepted.append(state.Open(commitment, chain.height + 1, miner))
        changes.deltas.append(delta)
        changes.norms.append(norm)
        changes.weights.append(WEIGHT)
