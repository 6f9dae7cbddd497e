"""Logs to events: the table of what is followed, and a decoder made from it and from the contracts' ABIs.

All our events have fixed-size fields only, so a log is decoded by slicing it into words of 32 bytes:
indexed fields stand in the topics, the others one after another in the data.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any, Generic, TypeVar

from eth_utils.crypto import keccak

from entitlement.chain.answers import address as address_in
from entitlement.chain.answers import digest, mapping, quantity, sequence, words
from entitlement.chain.artifacts import Artifacts
from entitlement.core.errors import InconsistentNode, SetupError
from entitlement.core.events import (
    AllowanceChanged,
    ChainEvent,
    CreditBought,
    Delegated,
    DelegationEnded,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    LogPlace,
    MembershipBought,
    RewardsClaimed,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
)
from entitlement.core.units import Wallet

# fmt: off
FOLLOWED: dict[tuple[str, str], tuple[type[ChainEvent], str]] = {
    # contract, event                        class, and the arguments in the order of its fields after `at`;
    #                                        a field with a default is not the log's
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
    ("CreditSales", "TopUp"):                (CreditBought,      "account usdc"),
    ("CreditSales", "Subscribed"):           (MembershipBought,  "account tier until"),
}
# fmt: on

FOLLOWED_CONTRACTS = tuple(dict.fromkeys(contract for contract, _ in FOLLOWED))
"""The contracts whose logs are asked for."""

Said = TypeVar("Said")
"""What a log is decoded to."""

Read = tuple[LogPlace, tuple[str, str] | None, Said | None]
"""Where a log stands, the contract and first topic of an event that is followed, and the event."""

_TYPES = {"uint256", "address"}
_WORD_BYTES = 32
_ADDRESS_PADDING = 12
"""Zeros before an address in its word."""
_WALLETS_REMEMBERED = 65_536
_NUMBERS_REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one event lies in a log."""

    source: tuple[str, str]
    """The contract that writes it, and its first topic."""
    topics: int
    """Topics of the log, the event's own hash included."""
    data_bytes: int
    read: Callable[[LogPlace, list[str], bytes], Any]
    """Makes the event of a log's place, topics and data; raises `ValueError` or `TypeError`."""


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
            self._shapes[place, topic] = _shape((place, topic), described, kind, arguments.split())
            self.topics_of.setdefault(place, []).append(topic)

    def decode(self, log: object) -> Said | None:
        """Return the event in a log of `eth_getLogs`, or None for one that is not followed.

        Raises `InconsistentNode` for a log that our contracts cannot have written.
        """
        return next(self.read([log]))[2]

    def read(self, logs: Iterable[object]) -> Iterator[Read[Said]]:
        """Return where each log stands, which of the watched events it is, and the event made of it."""
        number, block_hash, transaction_hash = -1, "", ""
        # Neighbours share their block and often their transaction: what was found right is not read again.
        seen_number: object = self
        seen_hash: object = self
        seen_transaction: object = self
        for log in logs:
            of_log = mapping(log, "a log")
            if of_log.get("removed", False) is not False:
                raise InconsistentNode("a log is marked as removed")
            given_hash, given_number = of_log.get("blockHash"), of_log.get("blockNumber")
            if given_hash != seen_hash or given_number != seen_number:
                number, block_hash = quantity(of_log, "blockNumber"), digest(of_log, "blockHash")
                seen_number, seen_hash = given_number, given_hash
            given_transaction = of_log.get("transactionHash")
            if given_transaction != seen_transaction:
                transaction_hash = digest(of_log, "transactionHash")
                seen_transaction = given_transaction
            at = LogPlace(number, quantity(of_log, "logIndex"), block_hash, transaction_hash)
            topics = sequence(of_log.get("topics"), "a log's topics")
            shape = self._shape(of_log, topics)
            if shape is None:
                yield at, None, None
                continue
            data = words(of_log.get("data"), shape.data_bytes)
            if data is None or len(topics) != shape.topics:
                raise _misshapen(of_log, topics, shape, at)
            try:
                said = shape.read(at, topics, data)
            except (TypeError, ValueError) as error:
                raise InconsistentNode(f"the log at {at} has a word that is not its type: {error}") from error
            yield at, shape.source, said

    def _shape(self, log: dict[str, Any], topics: list[Any]) -> _Shape | None:
        first, place = topics[0] if topics else None, log.get("address")
        if not isinstance(first, str):
            raise InconsistentNode(f"a log has the topics {str(topics)[:80]}")
        if isinstance(place, str):
            shape = self._shapes.get((place, first))
            if shape is not None:
                return shape
        return self._shapes.get((address_in(log, "address"), first.lower()))


class LogDecoder(TableDecoder[ChainEvent]):
    """Turns logs of one of our deployments into events."""

    def __init__(self, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        """Take the ABIs and the address of each followed contract, by its name; raises `SetupError`."""
        super().__init__(artifacts, addresses, FOLLOWED)


def _misshapen(log: dict[str, Any], topics: list[Any], shape: _Shape, at: LogPlace) -> InconsistentNode:
    if len(topics) != shape.topics:
        return InconsistentNode(f"the log at {at} has {len(topics)} topics for {shape.topics}")
    given = str(log.get("data"))[:80]
    return InconsistentNode(f"the log at {at} has data {given}, not {shape.data_bytes} bytes")


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


def _shape(source: tuple[str, str], event: dict[str, Any], kind: type[Any], arguments: list[str]) -> _Shape:
    indexed = [argument for argument in event["inputs"] if argument["indexed"]]
    in_data = [argument for argument in event["inputs"] if not argument["indexed"]]
    order = {
        each["name"]: f"{each['type']}_topic(topics[{place}])" for place, each in enumerate(indexed, start=1)
    } | {
        each["name"]: f"{each['type']}_word(data[{place * _WORD_BYTES}:{(place + 1) * _WORD_BYTES}])"
        for place, each in enumerate(in_data)
    }
    wanted = [field.name for field in fields(kind) if field.default is MISSING][1:]
    types = {argument["type"] for argument in event["inputs"]}
    if len(wanted) != len(arguments) or not set(arguments) <= set(order) or not types <= _TYPES:
        raise SetupError(
            problem=f"{_signature(event)} does not fit {kind.__name__}({', '.join(wanted)})",
            remedy="bring chain/decode.py up to the contracts",
        )
    return _Shape(
        source=source,
        topics=1 + len(indexed),
        data_bytes=len(in_data) * _WORD_BYTES,
        read=_reader(kind, [order[name] for name in arguments]),
    )


def _reader(kind: type[Any], sources: list[str]) -> Callable[[LogPlace, list[str], bytes], Any]:
    """Return the function that makes one kind of event: one call with each word where it stands.

    It is written out for each kind, as dataclasses write their methods: a loop over the fields takes twice
    as long, and most of what a follower does is this.
    """
    names = {"kind": kind, **_READERS}
    return eval(f"lambda at, topics, data: kind(at, {', '.join(sources)})", names)  # noqa: S307  made of our own names and numbers


def _address_word(word: bytes) -> Wallet:
    if any(word[:_ADDRESS_PADDING]):
        raise ValueError(word.hex())
    return Wallet("0x" + word[_ADDRESS_PADDING:].hex())


def _topic_word(topic: str) -> bytes:
    word = words(topic, _WORD_BYTES)
    if word is None:
        raise ValueError(topic)
    return word


@lru_cache(maxsize=_NUMBERS_REMEMBERED)
def _uint256_topic(topic: str) -> int:
    """Read a number; it is remembered, since most logs of a day name the same epoch."""
    return int.from_bytes(_topic_word(topic), "big")


@lru_cache(maxsize=_WALLETS_REMEMBERED)
def _address_topic(topic: str) -> Wallet:
    """Read a wallet; it is remembered, since a busy one comes again and again, and then is one string."""
    return _address_word(_topic_word(topic))


_READERS: dict[str, Callable[[Any], Any]] = {
    "uint256_word": int.from_bytes,
    "uint256_topic": _uint256_topic,
    "address_word": _address_word,
    "address_topic": _address_topic,
}
