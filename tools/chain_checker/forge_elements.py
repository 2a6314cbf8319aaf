"""Forged payments, commitments and contributions."""
from . import schnorr, targets
from .forge import add, forgery
from .objects import OutPoint, Output, Payment


# Payments.

@forgery
def a_good_payment(forge, block):
    return forge.settled(block) if add(block.payments, [forge.own_payment(more=-1)]) else None


@forgery
def a_payment_whose_fee_is_lost(forge, block):
    return block if add(block.payments, [forge.own_payment(more=-1)]) else None


@forgery
def a_payment_of_too_much(forge, block):
    return block if add(block.payments, [forge.own_payment(more=1)]) else None


@forgery
def a_coin_spent_too_early(forge, block):
    edge = forge.chain.height + 2 - forge.chain.network.coinbase_maturity  # one block too young
    if min((coin.height for _, coin in forge.own_coins(mature=False)), default=0) != edge:
        return None
    return block if add(block.payments, [forge.own_payment(mature=False)]) else None


@forgery
def a_coin_that_is_just_mature(forge, block):
    edge = forge.chain.height + 1 - forge.chain.network.coinbase_maturity
    coins = [(point, coin) for point, coin in forge.own_coins() if coin.minted and coin.height == edge]
    if not coins:
        return None
    point, coin = coins[0]
    made = forge.payment([point], [coin.output], [coin.output])
    return forge.settled(block) if add(block.payments, [made]) else None


@forgery
def a_coin_spent_twice(forge, block):
    coins = forge.own_coins()
    if not coins or coins[0][1].output.amount < 9:
        return None
    point, coin = coins[0]
    twice = [forge.payment([point], [coin.output], [Output(amount, 0, forge.key)]) for amount in (1, 2)]
    return block if add(block.payments, twice) else None


@forgery
def a_coin_spent_before(forge, block):
    owned = [(point, coin) for point, coin in forge.gone if coin.output.key == forge.key] or forge.gone
    if not owned:
        return None
    point, coin = forge.random.choice(owned)
    return block if add(block.payments, [forge.payment([point], [coin.output], [coin.output])]) else None


@forgery
def a_coin_that_never_was(forge, block):
    output = Output(5, 0, forge.key)
    made = forge.payment([OutPoint(forge.random.randbytes(32), 0)], [output], [output])
    return block if add(block.payments, [made]) else None


@forgery
def what_the_same_block_makes(forge, block):
    first = forge.own_payment()
    if first is None:
        return None
    second = forge.payment([OutPoint(first.id(), 0)], first.outputs, first.outputs)
    return block if add(block.payments, [first, second]) else None


@forgery
def a_payment_for_another_network(forge, block):
    return block if add(block.payments, [forge.own_payment(genesis_id=bytes(32))]) else None


@forgery
def a_coin_of_somebody_else(forge, block):
    others = [(p, c) for p, c in sorted(forge.chain.coins.items()) if c.output.key != forge.key and not c.minted]
    if not others:
        return None
    point, coin = others[0]
    return block if add(block.payments, [forge.payment([point], [coin.output], [coin.output])]) else None


@forgery
def inputs_in_another_order(forge, block):
    coins = forge.own_coins()[:2]
    if len(coins) < 2:
        return None
    points = [point for point, _ in reversed(coins)]
    spent = [coin.output for _, coin in reversed(coins)]
    return block if add(block.payments, [forge.payment(points, spent, [Output(1, 0, forge.key)])]) else None


@forgery
def many_inputs(forge, block):
    coins = forge.own_coins()
    if len(coins) < 2:
        return None
    points, spent = [p for p, _ in coins], [c.output for _, c in coins]
    made = forge.payment(points, spent, [Output(sum(s.amount for s in spent), 0, forge.key)])
    return forge.settled(block) if add(block.payments, [made]) else None


@forgery
def a_bad_number_of_outputs(forge, block):
    made = forge.own_payment()
    if made is None:
        return None
    outputs = [Output(1, 0, forge.key)] * forge.random.choice([0, 3])
    return block if add(block.payments, [Payment(made.inputs, outputs, made.signatures)]) else None


@forgery
def too_many_payments(forge, block):
    coins = forge.own_coins()
    most = forge.chain.network.max_payments
    if len(coins) <= most:
        return None
    made = [forge.payment([p], [c.output], [c.output]) for p, c in coins[:most + 1]]
    return block if add(block.payments, made) else None


@forgery
def as_many_payments_as_allowed(forge, block):
    coins = forge.own_coins()
    free = forge.chain.network.max_payments - len(block.payments)
    if len(coins) < free:
        return None
    made = [forge.payment([p], [c.output], [c.output]) for p, c in coins[:free]]
    return forge.settled(block) if add(block.payments, made) else None


@forgery
def elements_in_another_order(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if len(elements) > 1]
    if not lists:
        return None
    lists[0].reverse()
    return block


@forgery
def an_element_twice(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if elements]
    if not lists:
        return None
    lists[0].append(lists[0][-1])
    return block


@forgery
def an_element_less(forge, block):
    lists = [elements for elements in (block.payments, block.commitments, block.contributions) if elements]
    if not lists:
        return None
    lists[0].pop()
    return block


@forgery
def an_element_less_settled(forge, block):
    return forge.settled(block) if an_element_less(forge, block) else None


@forgery
def a_signature_of_a_payment_changed(forge, block):
    if not block.payments:
        return None
    block.payments[0].signatures[0] = forge.flipped(block.payments[0].signatures[0])
    return block


@forgery
def a_signature_with_an_odd_nonce(forge, block):
    made = forge.own_payment()
    if made is None:
        return None
    message = made.message(forge.chain.network.genesis_id, [forge.chain.coins[made.inputs[0]].output])
    made.signatures = [schnorr.sign(forge.secret, message, odd=True)]
    return block if add(block.payments, [made]) else None


@forgery
def a_signature_of_a_commitment_changed(forge, block):
    if not block.commitments:
        return None
    block.commitments[0].signature = forge.flipped(block.commitments[0].signature)
    return block


@forgery
def a_signature_of_a_contribution_changed(forge, block):
    if not block.contributions:
        return None
    block.contributions[0].signature = forge.flipped(block.contributions[0].signature)
    return block


# Commitments and contributions.

@forgery
def a_good_commitment(forge, block):
    return forge.settled(block) if add(block.commitments, [forge.own_commitment(block)]) else None


@forgery
def a_commitment_for_another_round(forge, block):
    made = forge.own_commitment(block, later=forge.random.choice([1, 2]))
    return block if add(block.commitments, [made]) else None


@forgery
def two_commitments_of_one_key(forge, block):
    made = [forge.own_commitment(block, secret=8), forge.own_commitment(block, secret=8)]
    if None in made:
        return None
    made[1] = forge.commitment(8, bytes([1] * 32), made[1].round, block.header.target)
    return block if add(block.commitments, made) else None


@forgery
def a_second_commitment_of_a_key(forge, block):
    if forge.key not in [entry.commitment.key for entry in forge.chain.open.values()]:
        return None
    if (forge.chain.height + 1) % forge.chain.network.round_length == 0:
        return None
    made = forge.own_commitment(block)
    return block if add(block.commitments, [made]) else None


@forgery
def a_stamp_without_work(forge, block):
    return block if add(block.commitments, [forge.own_commitment(block, share=False)]) else None


@forgery
def too_many_commitments(forge, block):
    most = forge.chain.network.max_commitments
    if most > 9:
        return None
    made = [forge.own_commitment(block, secret=20 + i) for i in range(most + 1)]
    return block if add(block.commitments, made) else None


@forgery
def as_many_commitments_as_allowed(forge, block):
    free = forge.chain.network.max_commitments - len(block.commitments)
    if free > 9:
        return None
    made = [forge.own_commitment(block, secret=20 + i) for i in range(free)]
    return forge.settled(block) if add(block.commitments, made) else None


@forgery
def a_commitment_of_an_earlier_start(forge, block):
    made = forge.own_commitment(block)
    if made is None or forge.chain.height < 1:
        return None
    network = forge.chain.network
    made.start = forge.chain.headers[-1 if made.start != forge.chain.hash else -2].hash()
    most = min(targets.LARGEST, forge.chain.stamp_factor * targets.expand(forge.chain.round_target or block.header.target))
    while not targets.meets(made.stamp(network), most):
        made.nonce += 1
    made.signature = schnorr.sign(forge.secret, made.message(network.genesis_id))
    return block if add(block.commitments, [made]) else None


@forgery
def another_payload(forge, block):
    if not block.contributions:
        return None
    block.contributions[0].payload = forge.flipped(block.contributions[0].payload)
    return block


@forgery
def another_payload_signed_anew(forge, block):
    opened = forge.chain.open
    own = [c for c in block.contributions if c.commitment_id in opened and opened[c.commitment_id].commitment.key == forge.key]
    if not own:
        return None
    own[0].payload = forge.flipped(own[0].payload)
    own[0].signature = schnorr.sign(forge.secret, own[0].message(forge.chain.network.genesis_id))
    return block


@forgery
def a_contribution_of_nobody(forge, block):
    if not block.contributions:
        return None
    block.contributions[0].commitment_id = forge.random.randbytes(32)
    block.contributions.sort(key=lambda element: element.id())
    return block
