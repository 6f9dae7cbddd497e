"""MintCurve on a chain and its twin in Python, side by side: the same wei at ten thousand points.

Nothing is kept in a file, so that nothing can be out of date: both are asked anew each time, at points that a
seed draws over the whole range that DiemMint allows.
"""

import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from random import Random

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.rpc import JsonRpc
from entitlement.core.curve import TARGET_MAX, TARGET_MIN, amount_for, cap, lock_for, potential, rate
from entitlement.core.units import WEI_PER_TOKEN, Wei

SEED = int(os.environ.get("CURVE_SEED", "1"))
POINTS = 10_000
POINTS_IN_A_CALL = 200
"""At 100,000 gas each they fit into a block's gas."""
PROBE = "0x" + 40 * "c"
"""Where the probe's code is put for the time of a call."""
WORDS = "uint256,uint256,uint256,uint256"
LIVE_TARGETS = (38_000 * WEI_PER_TOKEN, 40_000 * WEI_PER_TOKEN)
HARDLY_ANY = 1_000_000
"""Wei: where rounding is all there is."""


@dataclass(frozen=True)
class Point:
    """Where the curve is read: wei of DIEM, and for `lock` of sVVV."""

    target: int
    supply: int
    amount: int
    lock: int


Reading = tuple[int, int, int, int, int]
"""potential, rate, the lock for `amount`, the amount for `lock`, and what that one locks."""


def some_point(random: Random) -> Point:
    """Half of the targets are like the live one; supplies and amounts crowd where something might break."""
    target = random.choice(
        [
            random.choice(LIVE_TARGETS),
            random.randint(35_000, 60_000) * WEI_PER_TOKEN + random.randrange(WEI_PER_TOKEN),
            random.randint(TARGET_MIN, TARGET_MAX),
            TARGET_MIN * random.randint(1, 10 ** random.randint(0, 6)),
        ]
    )
    highest = cap(Wei(target))
    supply = random.choice([random.randint(0, highest), random.randint(0, target), _near(random, highest)])
    room = highest - supply
    amount = random.choice([random.randint(0, room), min(room, random.randrange(HARDLY_ANY)), room])
    price = lock_for(Wei(amount), Wei(supply), Wei(target))
    below, beyond = max(0, price - 1), random.randint(0, 2 * price)
    lock = random.choice([price, below, price + 1, beyond, _any_word(random)])
    return Point(target, supply, amount, lock)


def _near(random: Random, highest: int) -> int:
    """Near nothing or near the cap, both ends included."""
    distance = min(highest, random.choice([0, 1, random.randrange(HARDLY_ANY)]))
    return random.choice([distance, highest - distance])


def _any_word(random: Random) -> int:
    return random.choice([2**256 - 1, 2**128, 2**128 - 1, random.getrandbits(random.randint(1, 256))])


class Probe:
    """CurveProbe, without a transaction: its code stands on the chain for the time of a call."""

    def __init__(self, rpc: JsonRpc, artifacts: Artifacts) -> None:
        self._rpc = rpc
        self._code = {PROBE: {"code": artifacts["CurveProbe"].deployed_bytecode}}

    def read(self, points: list[Point]) -> list[Reading]:
        selector = keccak(text=f"read(({WORDS})[])")[:4]
        data = "0x" + (selector + encode([f"({WORDS})[]"], [[astuple(each) for each in points]])).hex()
        answer = self._rpc.call("eth_call", {"to": PROBE, "data": data}, "latest", self._code)
        return decode([f"({WORDS},uint256)[]"], bytes.fromhex(answer[2:]))[0]


def twin(point: Point) -> Reading:
    target, supply = Wei(point.target), Wei(point.supply)
    return (
        potential(supply, target),
        rate(supply, target),
        lock_for(Wei(point.amount), supply, target),
        *amount_for(Wei(point.lock), supply, target),
    )


@pytest.fixture(scope="module")
def probe(artifacts: Artifacts) -> Iterator[Probe]:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        yield Probe(rpc, artifacts)


def test_the_contract_and_its_twin_are_equal_to_the_wei_at_ten_thousand_points(probe: Probe) -> None:
    random = Random(SEED)
    points = [some_point(random) for _ in range(POINTS)]
    read = [
        reading
        for start in range(0, POINTS, POINTS_IN_A_CALL)
        for reading in probe.read(points[start : start + POINTS_IN_A_CALL])
    ]
    differing = [
        (point, found, expected)
        for point, found in zip(points, read, strict=True)
        if found != (expected := twin(point))
    ]
    assert not differing, f"seed {SEED}: {len(differing)} points, the first: {differing[0]}"
