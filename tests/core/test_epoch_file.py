"""The public file of an epoch has one form, and contradicts itself wherever anything in it was changed."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.commitment import leaf_of, make_tree, spending_of
from entitlement.core.epoch_file import (
    CONTRACTS,
    BlockName,
    EpochHead,
    JournalHead,
    Row,
    Sharing,
    lines_of,
    read_file,
    wrong_in,
)
from entitlement.core.epochs import Epoch
from entitlement.core.errors import NotAnEpochFile
from entitlement.core.units import NanoUsd, Wallet, Wei

EPOCH = Epoch(20_000)
BLOCK = BlockName(12, "0x" + "b" * 64)
SHARING = Sharing(NanoUsd(100), Wei(0), BLOCK, Wei(2**255), is_disputed=False)
hashes = st.binary(min_size=32, max_size=32)
amounts = st.integers(0, 2**53)
rows_of_any = st.lists(
    st.builds(
        Row,
        wallet=st.integers(0, 2**160 - 1).map(lambda number: Wallet(f"0x{number:040x}")),
        diem=amounts.map(NanoUsd),
        pro_rata=amounts.map(NanoUsd),
        spending=hashes,
    ),
    max_size=12,
    unique_by=lambda row: row.wallet,
).map(lambda rows: sorted(rows, key=lambda row: row.wallet))


def head_of(
    rows: list[Row], sharing: Sharing | None = SHARING, journal_heads: tuple[JournalHead, ...] = ()
) -> EpochHead:
    tree = make_tree(leaf_of(EPOCH, row.wallet, row.granted, row.spending) for row in rows)
    return EpochHead(
        chain_id=31_337,
        contracts=dict.fromkeys(CONTRACTS, "0x" + "c" * 40),
        deployed=BlockName(1, "0x" + "1" * 64),
        epoch=EPOCH,
        block=BLOCK,
        sharing=sharing,
        journal_heads=journal_heads,
        root=tree.root,
        accounts=len(rows),
        diem=NanoUsd(sum(row.diem for row in rows)),
        pro_rata=NanoUsd(sum(row.pro_rata for row in rows)),
        spent=NanoUsd(0),
    )


def a_file() -> bytes:
    rows = [
        Row(
            Wallet(f"0x{number:040x}"),
            NanoUsd(number * 1_000),
            NanoUsd(7),
            spending_of(NanoUsd(1), bytes([number]) * 32),
        )
        for number in range(1, 6)
    ]
    head = replace(
        head_of(rows, journal_heads=(JournalHead(0, 5, "0x" + "d" * 64), JournalHead(1, 2, "0x" + "e" * 64))),
        spent=NanoUsd(5),
    )
    return b"".join(lines_of(head, rows))


@given(rows_of_any, st.sampled_from([None, SHARING, replace(SHARING, start=None)]))
def test_what_was_written_is_read_again_and_does_not_contradict_itself(
    rows: list[Row], sharing: Sharing | None
) -> None:
    head = head_of(rows, sharing)
    content = b"".join(lines_of(head, rows))
    assert read_file(content) == (head, rows)
    assert wrong_in(head, rows) == []
    json.loads(content)


FIELDS = {
    "a wallet": (
        b'["0x0000000000000000000000000000000000000002"',
        b'["0x00000000000000000000000000000000000000f2"',
    ),
    "a right": (b",3000,7,", b",3001,7,"),
    "a right too low": (b",3000,7,", b",2999,7,"),
    "a share": (b",3000,7,", b",3000,8,"),
    "a right and a share": (b",3000,7,", b",3001,6,"),
    "the number of accounts": (b'"accounts":5', b'"accounts":4'),
    "what was granted to all by DIEM": (b'"diem":15000', b'"diem":15001'),
    "what was shared with all": (b'"pro_rata":35', b'"pro_rata":34'),
    "what all spent, beyond the grants": (b'"spent":5', b'"spent":20000'),
    "the day": (b'"epoch":20000', b'"epoch":20001'),
}


@pytest.mark.parametrize(("old", "new"), FIELDS.values(), ids=FIELDS)
def test_a_file_in_which_this_was_changed_contradicts_itself(old: bytes, new: bytes) -> None:
    content = a_file()
    assert content.count(old) == 1
    try:
        found = wrong_in(*read_file(content.replace(old, new)))
    except NotAnEpochFile:
        return
    assert found


def test_a_commitment_or_the_root_that_was_changed_does_not_fit() -> None:
    content = a_file()
    for number, found in enumerate(re.finditer(rb"0x[0-9a-f]{64}", content)):
        changed = content[: found.end() - 1] + (b"0" if content[found.end() - 1] != 48 else b"1")
        changed += content[found.end() :]
        head, rows = read_file(changed)
        # Blocks and the journal's heads are for the chain and the journal to contradict.
        assert bool(wrong_in(head, rows)) == (number not in (0, 1, 2, 3, 5)), found


def swapped(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    return b"".join(lines)


def twice(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:2], lines[1], *lines[2:]])


@pytest.mark.parametrize("change", [swapped, twice])
def test_rows_stand_once_for_each_wallet_and_in_order(change: Callable[[bytes], bytes]) -> None:
    assert wrong_in(*read_file(change(a_file())))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"\n",
        lambda content: content.replace(b",", b", ", 1),
        lambda content: content.replace(b'"accounts":5,', b""),
        lambda content: content.replace(b'"accounts":5', b'"accounts":5.0'),
        lambda content: content.replace(b'"accounts":5', b'"accounts":true'),
        lambda content: content.replace(b'"accounts":5', b'"accounts":-5'),
        lambda content: content.replace(b'"accounts":5', b'"accounts":5,"more":1'),
        lambda content: content.replace(b'"granted":15035', b'"granted":15036'),
        lambda content: content.replace(b"entitlement-epoch-1", b"entitlement-epoch-2"),
        lambda content: content.replace(b'"EpochRoots"', b'"OtherRoots"'),
        lambda content: content.replace(b'"minimum_stake":"0"', b'"minimum_stake":0'),
        lambda content: content[:-10],
        lambda _: b"[]",
        lambda _: b'{"rows":[]}',
        lambda _: b"[" * 100_000,
        lambda _: b"\xff",
    ],
    ids=range(16),
)
def test_what_has_another_form_is_not_read(change: Callable[[bytes], bytes]) -> None:
    content = a_file()
    changed = change(content)
    assert changed != content
    with pytest.raises(NotAnEpochFile):
        read_file(changed)
