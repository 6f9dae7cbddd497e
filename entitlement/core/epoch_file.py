"""The public file of an epoch: what everybody was granted, and the commitment to what everybody spent.

It has one form, byte by byte, so that its SHA-256 stands on the chain beside the root: the head's names in
order, no spaces, then a line for each account in the order of the wallets.

    {"accounts":2,"block":{...},...,"root":"0x..","spent":5,"rows":[
    ["0x00..01",3000000000,0,"0x.."],
    ["0x00..02",1000000000,0,"0x.."]
    ]}

A row is the wallet, what the right of its DIEM gave it, what its share of the day's capacity gave it, both in
nano-USD, and the commitment that stands for what it spent of them. Amounts of tokens are wei in decimal text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from entitlement.core.commitment import NO_ROOT, leaf_of, make_tree
from entitlement.core.epochs import Epoch
from entitlement.core.errors import NotAnEpochFile
from entitlement.core.units import NanoUsd, Wallet, Wei

FORMAT = "entitlement-epoch-1"
CONTRACTS = ("StakedVVV", "InferenceStake", "EpochRoots")
"""Those that a file names: what a share and a right can be computed from, and what has the roots."""
LARGEST_AMOUNT = 2**63 - 1
"""What the ledger keeps in a column."""
_HASH = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_WEI = re.compile(r"0|[1-9][0-9]{0,77}")
_ROWS = b',"rows":['


@dataclass(frozen=True, slots=True)
class Row:
    """An account's line."""

    wallet: Wallet
    diem: NanoUsd
    """Granted from the daily right of staked DIEM."""
    pro_rata: NanoUsd
    """Granted as a share of the day's capacity."""
    spending: bytes

    @property
    def granted(self) -> NanoUsd:
        """What its leaf says: both together."""
        return NanoUsd(self.diem + self.pro_rata)


@dataclass(frozen=True, slots=True)
class BlockName:
    """A block by its height and hash."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """What was shared pro rata in the day, and by which stakes (core.pro_rata)."""

    capacity: NanoUsd
    minimum_stake: Wei
    start: BlockName | None
    """The last block before the day's 00:00 UTC; None where it was not known in the day's time."""
    vvv_staked: Wei
    """By all wallets together, after that block."""
    is_disputed: bool
    """That block was another one before, and nothing more was shared since."""


@dataclass(frozen=True, slots=True)
class JournalHead:
    """The newest batch of a lane when the epoch was closed: it binds all entries before it."""

    lane: int
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class EpochHead:
    """What the file says of the epoch as a whole."""

    chain_id: int
    contracts: Mapping[str, str]
    """Contract -> address in lower case: `CONTRACTS`."""
    deployed: BlockName
    """The deployment's first block: no log of these contracts is before it."""
    epoch: Epoch
    block: BlockName
    """The final block when the epoch was closed; it is after the epoch's end."""
    sharing: Sharing | None
    journal_heads: tuple[JournalHead, ...]
    root: bytes
    accounts: int
    diem: NanoUsd
    pro_rata: NanoUsd
    spent: NanoUsd

    @property
    def granted(self) -> NanoUsd:
        """To all accounts, from both sources."""
        return NanoUsd(self.diem + self.pro_rata)


def lines_of(head: EpochHead, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the file in pieces; `rows` come in the order of their wallets."""
    yield json.dumps(_plain(head), sort_keys=True, separators=(",", ":")).encode()[:-1] + _ROWS
    first = True
    for row in rows:
        start = b"\n" if first else b",\n"
        line = f'["{row.wallet}",{row.diem},{row.pro_rata},"0x{row.spending.hex()}"]'
        yield start + line.encode()
        first = False
    yield b"\n]}\n"


def read_file(content: bytes) -> tuple[EpochHead, list[Row]]:
    """Return what a file says, which need not be true. Raises `NotAnEpochFile` for any other form of it."""
    try:
        read = json.loads(content)
        rows = [_row(each) for each in _list(read.pop("rows"))]
        head = _head(read)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotAnEpochFile(f"{type(error).__name__}: {error}") from error
    if b"".join(lines_of(head, rows)) != content:
        raise NotAnEpochFile("it has another form than the one that such a file has, byte by byte")
    return head, rows


def wrong_in(head: EpochHead, rows: Iterable[Row]) -> list[str]:
    """Return a sentence for each thing in which a file contradicts itself; empty where it does not."""
    listed = list(rows)
    found: list[str] = []
    if [row.wallet for row in listed] != sorted({row.wallet for row in listed}):
        # Two leaves may be the same then, and have no tree.
        return ["the rows are not one for each wallet, in order"]
    root = make_tree(leaf_of(head.epoch, row.wallet, row.granted, row.spending) for row in listed).root
    sums = {
        "accounts": (head.accounts, len(listed)),
        "diem": (head.diem, sum(row.diem for row in listed)),
        "pro_rata": (head.pro_rata, sum(row.pro_rata for row in listed)),
    }
    for name, (said, counted) in sums.items():
        if said != counted:
            found.append(f"{name} is {said} in the file, but its rows give {counted}")
    if head.root != root:
        found.append(f"root is 0x{head.root.hex()} in the file, but its rows give 0x{root.hex()}")
    if head.spent > head.granted:
        found.append(f"spent is {head.spent}, more than the {head.granted} granted")
    return found


def _plain(head: EpochHead) -> dict[str, Any]:
    sharing = None
    if head.sharing is not None:
        sharing = asdict(head.sharing) | {
            "minimum_stake": str(head.sharing.minimum_stake),
            "vvv_staked": str(head.sharing.vvv_staked),
        }
    return {
        "format": FORMAT,
        "chain_id": head.chain_id,
        "contracts": dict(head.contracts),
        "deployed": asdict(head.deployed),
        "epoch": head.epoch,
        "block": asdict(head.block),
        "sharing": sharing,
        "journal_heads": [asdict(each) for each in head.journal_heads],
        "root": f"0x{head.root.hex()}",
        "accounts": head.accounts,
        "diem": head.diem,
        "pro_rata": head.pro_rata,
        "granted": head.granted,
        "spent": head.spent,
    }


def _head(read: dict[str, Any]) -> EpochHead:
    if read["format"] != FORMAT:
        raise ValueError(f"its format is {str(read['format'])[:40]!r}, not {FORMAT!r}")
    contracts: dict[str, str] = {
        str(name): _matching(_ADDRESS, address) for name, address in read["contracts"].items()
    }
    if read["deployed"]["number"] == 0:
        raise ValueError("no contract is in the first block of a chain")
    if set(contracts) != set(CONTRACTS):
        raise ValueError(f"it names the contracts {sorted(contracts)}, not {sorted(CONTRACTS)}")
    return EpochHead(
        chain_id=_count(read["chain_id"]),
        contracts=contracts,
        deployed=_block(read["deployed"]),
        epoch=Epoch(_count(read["epoch"])),
        block=_block(read["block"]),
        sharing=None if read["sharing"] is None else _sharing(read["sharing"]),
        journal_heads=tuple(
            JournalHead(_count(each["lane"]), _count(each["number"]), _matching(_HASH, each["hash"]))
            for each in read["journal_heads"]
        ),
        root=_hash(read["root"]),
        accounts=_count(read["accounts"]),
        diem=NanoUsd(_count(read["diem"])),
        pro_rata=NanoUsd(_count(read["pro_rata"])),
        spent=NanoUsd(_count(read["spent"])),
    )


def _sharing(read: dict[str, Any]) -> Sharing:
    disputed = read["is_disputed"]
    if not isinstance(disputed, bool) or set(read) != {field.name for field in fields(Sharing)}:
        raise ValueError("sharing is not what it should be")
    return Sharing(
        capacity=NanoUsd(_count(read["capacity"])),
        minimum_stake=Wei(int(_matching(_WEI, read["minimum_stake"]))),
        start=None if read["start"] is None else _block(read["start"]),
        vvv_staked=Wei(int(_matching(_WEI, read["vvv_staked"]))),
        is_disputed=disputed,
    )


def _block(read: dict[str, Any]) -> BlockName:
    return BlockName(_count(read["number"]), _matching(_HASH, read["hash"]))


def _row(read: object) -> Row:
    name, diem, pro_rata, spending = _list(read)
    return Row(
        Wallet(_matching(_ADDRESS, name)), NanoUsd(_count(diem)), NanoUsd(_count(pro_rata)), _hash(spending)
    )


def _hash(text: object) -> bytes:
    found = bytes.fromhex(_matching(_HASH, text)[2:])
    assert len(found) == len(NO_ROOT)
    return found


def _matching(pattern: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{str(text)[:80]!r} has not the form {pattern.pattern}")
    return text


def _count(value: object) -> int:
    # JSON's true is an int to Python.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_AMOUNT:
        raise ValueError(f"{str(value)[:80]} is no count")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return cast("list[Any]", value)
