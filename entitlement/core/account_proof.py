"""An account's own proof: what it was granted and spent in an epoch, and why the published root says so.

    (account, epoch, granted, spent, salt) -> leaf -> up the proof -> root == the one on the chain

It can be checked with nothing but this file and the root that EpochRoots has. Whoever sees it knows what the
account spent that day: it is its owner's to show.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from entitlement.core.commitment import leaf_of, root_from, spending_of
from entitlement.core.epochs import Epoch
from entitlement.core.errors import NotAProof
from entitlement.core.units import NanoUsd, Wallet

FORMAT = "entitlement-proof-1"
LONGEST_PROOF = 64
"""Levels: more leaves than that has no tree."""
_HASH = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class AccountProof:
    """Everything that opens one leaf."""

    chain_id: int
    contract: str
    """Address of EpochRoots."""
    epoch: Epoch
    account: Wallet
    diem: NanoUsd
    """Granted from the daily right of staked DIEM."""
    pro_rata: NanoUsd
    """Granted as a share of the day's capacity."""
    spent: NanoUsd
    salt: bytes
    proof: Sequence[bytes]
    root: bytes
    file_hash: str
    """SHA-256 of the epoch's public file."""
    block: int | None
    """The final block that the root stands in; None until it does."""
    transaction: str | None
    """Which brought it there."""

    @property
    def granted(self) -> NanoUsd:
        """What the leaf says: from both sources."""
        return NanoUsd(self.diem + self.pro_rata)

    @property
    def spending(self) -> bytes:
        """The commitment that the public file shows instead of what was spent."""
        return spending_of(self.spent, self.salt)

    @property
    def leaf(self) -> bytes:
        """The leaf."""
        return leaf_of(self.epoch, self.account, self.granted, self.spending)

    def plain(self) -> dict[str, Any]:
        """Return it as it is written: hashes as `0x` and hex, credit in nano-USD."""
        return {
            "format": FORMAT,
            "chain_id": self.chain_id,
            "contract": self.contract,
            "epoch": self.epoch,
            "account": self.account,
            "diem": self.diem,
            "pro_rata": self.pro_rata,
            "granted": self.granted,
            "spent": self.spent,
            "salt": _hexed(self.salt),
            "spending": _hexed(self.spending),
            "leaf": _hexed(self.leaf),
            "proof": [_hexed(node) for node in self.proof],
            "root": _hexed(self.root),
            "file_hash": self.file_hash,
            "block": self.block,
            "transaction": self.transaction,
        }


def read_proof(content: bytes | str) -> tuple[AccountProof, list[str]]:
    """Return what a proof says, and a sentence for each thing in it that does not follow from the rest.

    Raises `NotAProof` for any other form of it.
    """
    try:
        read = cast("dict[str, Any]", json.loads(content))
        made = _made(read)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotAProof(f"{type(error).__name__}: {error}") from error
    return made, _wrong_in(made, read)


def _made(read: dict[str, Any]) -> AccountProof:
    if read["format"] != FORMAT:
        raise ValueError(f"its format is {str(read['format'])[:40]!r}, not {FORMAT!r}")
    nodes = cast("list[object]", read["proof"])
    if len(nodes) > LONGEST_PROOF:
        raise ValueError(f"its proof has {len(nodes)} steps")
    return AccountProof(
        chain_id=_count(read["chain_id"]),
        contract=_matching(_ADDRESS, read["contract"]),
        epoch=Epoch(_count(read["epoch"])),
        account=Wallet(_matching(_ADDRESS, read["account"])),
        diem=NanoUsd(_count(read["diem"])),
        pro_rata=NanoUsd(_count(read["pro_rata"])),
        spent=NanoUsd(_count(read["spent"])),
        salt=_hash(read["salt"]),
        proof=[_hash(node) for node in nodes],
        root=_hash(read["root"]),
        file_hash=_matching(_HASH, read["file_hash"]),
        block=None if read["block"] is None else _count(read["block"]),
        transaction=None if read["transaction"] is None else _matching(_HASH, read["transaction"]),
    )


def _wrong_in(made: AccountProof, read: dict[str, Any]) -> list[str]:
    follows = made.plain()
    found = [
        f"{name} is {str(read.get(name))[:80]}, but the rest gives {follows[name]}"
        for name in ("granted", "spending", "leaf")
        if read.get(name) != follows[name]
    ]
    if set(read) != set(follows):
        found.append(f"it has the names {sorted(read)}, not {sorted(follows)}")
    reached = root_from(made.leaf, made.proof)
    if reached != made.root:
        found.append(f"the proof leads to {_hexed(reached)}, not to the root {_hexed(made.root)}")
    if made.spent > made.granted:
        found.append(f"spent is {made.spent}, more than the {made.granted} granted")
    return found


def _hexed(digest: bytes) -> str:
    return f"0x{digest.hex()}"


def _hash(text: object) -> bytes:
    return bytes.fromhex(_matching(_HASH, text)[2:])


def _matching(pattern: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{str(text)[:80]!r} has not the form {pattern.pattern}")
    return text


def _count(value: object) -> int:
    # JSON's true is an int to Python.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(f"{str(value)[:80]} is no count")
    return value
