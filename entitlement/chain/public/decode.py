"""Logs of the contracts about themselves, decoded by their ABIs into `core.public_events`."""

from collections.abc import Callable, Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from entitlement.chain import answers
from entitlement.chain.abi import decode
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.decode import topic_of
from entitlement.core import public_events as said
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode, SetupError
from entitlement.core.public_events import PublicEvent, Spoken

ZERO_TOPIC = "0x" + "0" * 64

# fmt: off
SPEAKERS: dict[tuple[str, str], tuple[Callable[..., PublicEvent], str]] = {
    # contract, event: class, and the arguments in the order of its fields after `at`
    ("StakedVVV", "Accrued"): (said.EmissionAccrued, "emission"),
    ("StakedVVV", "EmissionRateLowered"): (said.EmissionRateLowered, "previousRate newRate"),
    ("DiemMint", "TargetRampStarted"): (said.TargetRampStarted, "fromTarget toTarget startsAt endsAt"),
    ("BuybackBurner", "BuybackExecuted"):
        (said.BuybackExecuted, "run keeper usdcIn vvvBurned referencePrice"),
    ("BuybackBurner", "DonationBurned"): (said.DonationBurned, "run amount"),
    ("EpochRoots", "RootPublished"): (said.RootPublished, "epoch root granted spent accounts fileHash"),
    ("Timelock", "CallScheduled"): (said.CallScheduled, "id index target value data predecessor delay"),
    ("Timelock", "CallExecuted"): (said.CallExecuted, "id index"),
    ("Timelock", "Cancelled"): (said.OperationCancelled, "id"),
    ("Timelock", "RoleGranted"): (said.RoleGranted, "role account"),
    ("Timelock", "RoleRevoked"): (said.RoleRevoked, "role account"),
}
# fmt: on
BURN = ("VVV", "Transfer")
"""Of all transfers only those to the zero address are asked for."""


class PublicDecoder:
    """What to ask a node for, and what its answer says. Stateless after construction."""

    def __init__(self, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        """Take the ABIs and each contract's address; raises `SetupError` for an event that is not in them."""
        table = {**SPEAKERS, BURN: (said.VvvBurned, "from value")}
        self._events = {
            (addresses[contract].lower(), topic_of(entry)): (entry, made, arguments.split())
            for (contract, event), (made, arguments) in table.items()
            for entry in [_described(artifacts, contract, event, arguments.split())]
        }
        burn = addresses[BURN[0]].lower()
        speaking = [pair for pair in self._events if pair[0] != burn]
        self.filters: tuple[dict[str, Any], ...] = (
            {
                "address": list(dict.fromkeys(address for address, _ in speaking)),
                "topics": [sorted({topic for _, topic in speaking})],
            },
            {
                "address": burn,
                "topics": [
                    next(topic for address, topic in self._events if address == burn),
                    None,
                    ZERO_TOPIC,
                ],
            },
        )
        """For `eth_getLogs`, without their range."""

    def needs_time(self, log: object) -> bool:
        """Tell whether a log's block must be known to decode it: not of those that come with every stake."""
        return self._known(log)[1] is not said.EmissionAccrued

    def decode(self, log: object, headers: Mapping[int, Header]) -> PublicEvent:
        """Return what a log says; `headers` has its block by the number where `needs_time` says so.

        Raises `InconsistentNode` for a log that was not asked for, or is not of that block.
        """
        entry, made, arguments = self._known(log)
        fields = answers.mapping(log, "a log")
        number, block_hash = answers.quantity(fields, "blockNumber"), answers.digest(fields, "blockHash")
        topics = [str(topic) for topic in fields["topics"]]
        values = _arguments(entry, topics[1:], fields.get("data"))
        in_order = [values[name] for name in arguments]
        if made is said.EmissionAccrued:
            return made(number, *in_order)
        if headers[number].hash != block_hash:
            raise InconsistentNode(
                f"a log is of block {number} {block_hash}, which is not on the node any more"
            )
        if entry["name"] == BURN[1] and topics[2] != ZERO_TOPIC:
            raise InconsistentNode(f"a transfer of block {number} is no burn, and was not asked for")
        transaction, index = answers.digest(fields, "transactionHash"), answers.quantity(fields, "logIndex")
        return made(Spoken(number, block_hash, headers[number].timestamp, transaction, index), *in_order)

    def _known(self, log: object) -> tuple[dict[str, Any], Callable[..., PublicEvent], list[str]]:
        fields = answers.mapping(log, "a log")
        topics = answers.sequence(fields.get("topics"), "a log's topics")
        known = self._events.get((answers.address(fields, "address"), str(topics[0]) if topics else ""))
        if known is None or fields.get("removed", False) is not False:
            raise InconsistentNode(f"a log of {fields.get('address')} was not asked for")
        return known


def _described(artifacts: Artifacts, contract: str, event: str, arguments: list[str]) -> dict[str, Any]:
    for entry in artifacts[contract].abi:
        names = {each["name"] for each in entry.get("inputs", [])}
        if entry["type"] == "event" and entry["name"] == event and set(arguments) <= names:
            return entry
    raise SetupError(
        problem=f"{contract} has no event {event}({', '.join(arguments)})",
        remedy="bring chain/public/decode.py up to the contracts",
    )


def _arguments(entry: dict[str, Any], topics: list[str], data: object) -> dict[str, Any]:
    indexed = [each for each in entry["inputs"] if each["indexed"]]
    others = [each for each in entry["inputs"] if not each["indexed"]]
    try:
        words = bytes.fromhex("".join(topic.removeprefix("0x") for topic in topics))
        in_topics = decode([each["type"] for each in indexed], words)
        in_data = decode([each["type"] for each in others], bytes.fromhex(str(data).removeprefix("0x")))
    except ValueError as error:
        raise InconsistentNode(f"a log of {entry['name']} has words that are not its types") from error
    return {
        each["name"]: plain(each["type"], value)
        for each, value in zip([*indexed, *others], [*in_topics, *in_data], strict=True)
    }


def plain(type_: str, value: Any) -> Any:  # noqa: ANN401  as the ABI says
    """Return a decoded value as it is written: addresses with their checksum, bytes in hex."""
    if type_ == "address":
        return to_checksum_address(value)
    return "0x" + value.hex() if isinstance(value, bytes) else value
