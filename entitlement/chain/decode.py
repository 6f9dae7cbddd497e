"""Logs to events: the table of what is followed, and a decoder made from it and from the contracts' ABIs.

All our events have fixed-size fields only, so a log is decoded by slicing its hex into words of 32 bytes:
indexed fields stand in the topics, the others one after another in the data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from eth_utils.crypto import keccak

from entitlement.chain.answers import address as address_in
from entitlement.chain.answers import digest, mapping, quantity, sequence
from entitlement.chain.artifacts import Artifacts
from entitlement.core.errors import InconsistentNode, SetupError
from entitlement.core.events import (
    AllowanceChanged,
    ChainEvent,
    Delegated,
    DelegationEnded,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    LogPlace,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
)

# fmt: off
FOLLOWED: dict[tuple[str, str], tuple[type[ChainEvent], str]] = {
    # contract, event                        class, and the arguments in the order of its fields after `at`
    ("StakedVVV", "Staked"):                 (VvvStaked,         "account amount"),
    ("StakedVVV", "UnstakeRequested"):       (VvvExitRequested,  "account ticket amount claimableAt"),
    ("StakedVVV", "UnstakeCancelled"):       (VvvExitCancelled,  "account ticket amount"),
    ("StakedVVV", "UnstakeClaimed"):         (VvvExitClaimed,    "account ticket amount"),
    ("StakedVVV", "RewardsClaimed"):         (RewardsClaimed,    "account amount"),
    ("StakedVVV", "Locked"):                 (VvvLocked,         "account amount"),
    ("StakedVVV", "Unlocked"):               (VvvUnlocked,       "account amount"),
    ("DiemMint", "DiemMinted"):              (DiemMinted,        "account amount locked supply"),
    ("DiemMint", "DiemBurned"):              (DiemBurned,        "account amount unlocked supply"),
    ("InferenceStake", "Staked"):            (DiemStaked,        "account amount"),
    ("InferenceStake", "UnstakeRequested"):  (DiemExitRequested, "account ticket amount claimableAt"),
    ("InferenceStake", "UnstakeCancelled"):  (DiemExitCancelled, "account ticket amount"),
    ("InferenceStake", "UnstakeClaimed"):    (DiemExitClaimed,   "account ticket amount"),
    ("InferenceStake", "AllowanceChanged"):  (AllowanceChanged,  "account epoch current next"),
    ("InferenceStake", "Delegated"):         (Delegated,         "from to id amount untilEpoch"),
    ("InferenceStake", "DelegationEnded"):   (DelegationEnded,   "from to id amount"),
}
# fmt: on

FOLLOWED_CONTRACTS = tuple(dict.fromkeys(contract for contract, _ in FOLLOWED))
"""The contracts whose logs are asked for."""

Said = TypeVar("Said")
"""What a log is decoded to."""

_WORD_DIGITS = 64
_ADDRESS_DIGITS = 40


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one event lies in a log."""

    kind: type[Any]
    topics: int
    """Topics of the log, the event's own hash included."""
    words: int
    """Words of data."""
    sources: tuple[tuple[int, Callable[[str], Any]], ...]
    """For each field of the class after `at`: its place in topics[1:] + words, and how that word is read."""


class TableDecoder(Generic[Said]):
    """Turns logs of some contracts into what a table names. Stateless after construction; thread-safe."""

    def __init__(
        self,
        artifacts: Artifacts,
        addresses: Mapping[str, str],
        followed: Mapping[tuple[str, str], tuple[type[Said], str]],
    ) -> None:
        """Take the ABIs, the address of each contract by its name, and a table in the form of `FOLLOWED`.

        Raises `SetupError` when an ABI does not have an event as the table needs it.
        """
        self._shapes: dict[tuple[str, str], _Shape] = {}
        self.topics_of: dict[str, list[str]] = {}
        """Address in lower case -> first topics of the events that are followed there."""
        for (contract, event), (kind, arguments) in followed.items():
            described = _event(artifacts, contract, event)
            topic = topic_of(described)
            place = addresses[contract].lower()
            self._shapes[place, topic] = _shape(described, kind, arguments.split())
            self.topics_of.setdefault(place, []).append(topic)

    def decode(self, log: object) -> Said | None:
        """Return the event in a log of `eth_getLogs`, or None for one that is not followed.

        Raises `InconsistentNode` for a log that our contracts cannot have written.
        """
        fields_of = mapping(log, "a log")
        if fields_of.get("removed", False) is not False:
            raise InconsistentNode("a log is marked as removed")
        topics = sequence(fields_of.get("topics"), "a log's topics")
        first = topics[0] if topics else None
        if not isinstance(first, str):
            raise InconsistentNode(f"a log has the topics {str(topics)[:80]}")
        shape = self._shapes.get((address_in(fields_of, "address"), first.lower()))
        if shape is None:
            return None
        at = place_of(fields_of)
        values = _words(topics[1:], shape.topics - 1, at) + _data_words(
            fields_of.get("data"), shape.words, at
        )
        try:
            return shape.kind(at, *[read(values[source]) for source, read in shape.sources])
        except ValueError as error:
            raise InconsistentNode(f"the log at {at} has a word that is not its type: {error}") from error


class LogDecoder(TableDecoder[ChainEvent]):
    """Turns logs of one of our deployments into events."""

    def __init__(self, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        """Take the ABIs and the address of each followed contract, by its name; raises `SetupError`."""
        super().__init__(artifacts, addresses, FOLLOWED)


def place_of(log: Mapping[str, Any]) -> LogPlace:
    """Return where a log says that it stands."""
    fields_of = dict(log)
    return LogPlace(
        block_number=quantity(fields_of, "blockNumber"),
        log_index=quantity(fields_of, "logIndex"),
        block_hash=digest(fields_of, "blockHash"),
        transaction_hash=digest(fields_of, "transactionHash"),
    )


def _event(artifacts: Artifacts, contract: str, event: str) -> dict[str, Any]:
    for entry in artifacts[contract].abi:
        if entry["type"] == "event" and entry["name"] == event:
            return entry
    raise SetupError(
        problem=f"{contract} has no event {event}", remedy="bring chain/decode.py up to the contracts"
    )


def topic_of(event: dict[str, Any]) -> str:
    """Return the first topic of an event's logs, from its entry in an ABI."""
    return "0x" + keccak(text=_signature(event)).hex()


def _signature(event: dict[str, Any]) -> str:
    return f"{event['name']}({','.join(argument['type'] for argument in event['inputs'])})"


def _shape(event: dict[str, Any], kind: type[Any], arguments: list[str]) -> _Shape:
    indexed = [argument for argument in event["inputs"] if argument["indexed"]]
    in_data = [argument for argument in event["inputs"] if not argument["indexed"]]
    order = {argument["name"]: (place, argument["type"]) for place, argument in enumerate(indexed + in_data)}
    wanted = [field.name for field in fields(kind)][1:]
    types = {type_ for _, type_ in order.values()}
    if len(wanted) != len(arguments) or not set(arguments) <= set(order) or not types <= set(_READERS):
        raise SetupError(
            problem=f"{_signature(event)} does not fit {kind.__name__}({', '.join(wanted)})",
            remedy="bring chain/decode.py up to the contracts",
        )
    return _Shape(
        kind=kind,
        topics=1 + len(indexed),
        words=len(in_data),
        sources=tuple((order[name][0], _READERS[order[name][1]]) for name in arguments),
    )


def _words(topics: list[Any], wanted: int, at: LogPlace) -> list[str]:
    if len(topics) != wanted:
        raise InconsistentNode(f"the log at {at} has {len(topics) + 1} topics for {wanted + 1}")
    return [digest({"topic": topic}, "topic")[2:] for topic in topics]


def _data_words(data: object, wanted: int, at: LogPlace) -> list[str]:
    length = 2 + wanted * _WORD_DIGITS
    if not isinstance(data, str) or not data.startswith("0x") or len(data) != length:
        raise InconsistentNode(f"the log at {at} has data {str(data)[:80]}, not {wanted} words")
    return [data[start : start + _WORD_DIGITS] for start in range(2, length, _WORD_DIGITS)]


def _read_uint256(word: str) -> int:
    # int() would take a sign, spaces and underscores too; bytes.fromhex takes spaces, which the length shows.
    value = bytes.fromhex(word)
    if len(value) * 2 != _WORD_DIGITS:
        raise ValueError(word)
    return int.from_bytes(value, "big")


def _read_address(word: str) -> str:
    padding = _WORD_DIGITS - _ADDRESS_DIGITS
    if _read_uint256(word) >> (4 * _ADDRESS_DIGITS):
        raise ValueError(word)
    return "0x" + word[padding:].lower()


_READERS: dict[str, Callable[[str], Any]] = {"uint256": _read_uint256, "address": _read_address}
