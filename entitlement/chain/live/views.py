"""What the live contracts answer at a block, many questions at once.

Every block is named by its hash, so that a reorganisation between two questions is an error and not a mix.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from entitlement.chain.abi import decode, encode
from entitlement.chain.live.profile import DIEM, STAKED_VVV, LiveProfile
from entitlement.chain.rpc import Rpc
from entitlement.core.errors import InconsistentNode
from entitlement.core.live import Exit, LiveAccount
from entitlement.core.step_curve import STEPS, StepCurve, is_curve
from entitlement.core.units import Wallet, Wei

CALLS_PER_BATCH = 100
"""What public nodes take at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """One view of one contract at one block."""

    block_hash: str
    contract: str
    function: str
    arguments: tuple[object, ...] = ()


class LiveViews:
    """The views of one live deployment. Everything asked raises `NodeUnavailable`, or `InconsistentNode`."""

    def __init__(self, rpc: Rpc, profile: LiveProfile) -> None:
        """Take a node and a profile; nothing is asked yet."""
        self._rpc = rpc
        self._addresses = profile.addresses
        self._functions: dict[tuple[str, str], dict[str, Any]] = {
            (name, entry["name"]): entry
            for name in profile.addresses
            for entry in profile.artifacts[name].abi
            if entry["type"] == "function"
        }

    def ask(self, questions: Sequence[Question]) -> list[tuple[Any, ...]]:
        """Return the values of each answer, in the order of the questions."""
        calls = [self._call(question) for question in questions]
        results = [
            result
            for start in range(0, len(calls), CALLS_PER_BATCH)
            for result in self._rpc.batch("eth_call", calls[start : start + CALLS_PER_BATCH])
        ]
        return [self._read(*pair) for pair in zip(questions, results, strict=True)]

    def number(self, block_hash: str, contract: str, function: str, *arguments: object) -> int:
        """Return what a view with one value answers."""
        return self.ask([Question(block_hash, contract, function, arguments)])[0][0]

    def accounts(self, wanted: Iterable[tuple[str, Wallet]]) -> dict[tuple[str, Wallet], LiveAccount]:
        """Return what each wallet has at the end of the block with each hash."""
        places = list(dict.fromkeys(wanted))
        answered = iter(self.ask([question for place in places for question in _questions_about(*place)]))
        return {place: _account(place[1], answered) for place in places}

    def staked(self, wanted: Iterable[tuple[str, Wallet]]) -> dict[tuple[str, Wallet], Wei]:
        """Return the DIEM that each wallet has staked at the end of the block with each hash."""
        places = list(dict.fromkeys(wanted))
        questions = [Question(at, DIEM, "stakedInfos", (wallet,)) for at, wallet in places]
        return {place: Wei(info[0]) for place, info in zip(places, self.ask(questions), strict=True)}

    def curve(self, block_hash: str) -> StepCurve:
        """Return the table of the mint curve at a block."""
        answered = self.ask(
            [
                Question(block_hash, STAKED_VVV, table, (step,))
                for table in ("diemSupply", "diemMintRates")
                for step in range(STEPS)
            ]
        )
        values = tuple(Wei(value) for (value,) in answered)
        bounds, rates = values[:STEPS], values[STEPS:]
        if not is_curve(bounds, rates):
            raise InconsistentNode("the table of the mint curve does not rise step by step")
        return StepCurve(bounds, rates)

    def _call(self, question: Question) -> list[object]:
        function = self._functions[question.contract, question.function]
        types = [each["type"] for each in function["inputs"]]
        data = keccak(text=f"{question.function}({','.join(types)})")[:4] + encode(types, question.arguments)
        # EIP-1898: a block by its hash, which must be on the node's chain.
        block = {"blockHash": question.block_hash, "requireCanonical": True}
        return [{"to": self._addresses[question.contract], "data": "0x" + data.hex()}, block]

    def _read(self, question: Question, result: object) -> tuple[Any, ...]:
        outputs = self._functions[question.contract, question.function]["outputs"]
        try:
            values = decode([each["type"] for each in outputs], bytes.fromhex(str(result)[2:]))
        except ValueError as error:
            raise InconsistentNode(
                f"{question.contract}.{question.function} was answered with {str(result)[:80]}"
            ) from error
        return tuple(
            to_checksum_address(value) if each["type"] == "address" else value
            for each, value in zip(outputs, values, strict=True)
        )


def _questions_about(at: str, wallet: Wallet) -> list[Question]:
    return [
        Question(at, STAKED_VVV, "balanceOf", (wallet,)),
        Question(at, STAKED_VVV, "balanceOfUnlocked", (wallet,)),
        Question(at, STAKED_VVV, "stakes", (wallet,)),
        Question(at, STAKED_VVV, "lockedStakes", (wallet,)),
        Question(at, DIEM, "stakedInfos", (wallet,)),
    ]


def _account(wallet: Wallet, answered: Any) -> LiveAccount:  # noqa: ANN401
    (balance,), (unlocked,), (_, vvv_due, vvv_cooling), (locked, minted), (staked, due, cooling) = (
        next(answered) for _ in range(5)
    )
    if balance != unlocked + locked:
        raise InconsistentNode(
            f"{wallet} has {balance} wei of sVVV, but {unlocked} unlocked and {locked} locked"
        )
    return LiveAccount(
        wallet=wallet,
        vvv_unlocked=Wei(unlocked),
        vvv_locked=Wei(locked),
        vvv_exit=Exit(Wei(vvv_cooling), vvv_due if vvv_cooling else 0),
        diem_minted=Wei(minted),
        diem_staked=Wei(staked),
        diem_exit=Exit(Wei(cooling), due if cooling else 0),
    )
