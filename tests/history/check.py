"""Whether a recorded history can be: every answer against the journal, in the order in which it was written.

The journal says in which order the ledger changed. An answer of 2xx must be in it, with its figures. At
every point of that order no bucket and no key's limit is past its sum. And a refusal must have been right at
some moment between its question and its answer: at the figures that it told of, which were too little.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.ledger import Place
from tests.history.record import Seen

USED = (Place.HELD, Place.CONSUMED)
"""What counts towards a key's limit."""


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    key: str
    kind: str
    account: int
    moves: tuple[tuple[int | None, str, str, int], ...]
    """(bucket, from, to, amount)"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what is wrong."""

    deliveries: int
    unknown: int
    refusals: int
    entries: int
    wrong: tuple[str, ...]


def check(session: Session, seen: Sequence[Seen], limits: dict[int, int]) -> Verdict:
    """Compare a history with what the database holds; `limits` are of the accounts whose key has one."""
    entries = journal(session)
    wrong = [*never_overspent(entries, limits), *acknowledged(session, seen), *refused(entries, seen, limits)]
    return Verdict(
        deliveries=len(seen),
        unknown=sum(each.status is None for each in seen),
        refusals=sum(each.status == 402 for each in seen),
        entries=len(entries),
        wrong=tuple(wrong),
    )


def journal(session: Session) -> list[Entry]:
    rows = session.execute(
        text("SELECT id, key, kind, account_id, buckets, moves, amounts FROM entries ORDER BY id")
    )
    return [
        Entry(
            row[0],
            row[1],
            row[2],
            row[3],
            tuple(
                (bucket, *move.split(">"), amount)  # type: ignore[misc]
                for bucket, move, amount in zip(row[4], row[5], row[6], strict=True)
            ),
        )
        for row in rows
    ]


def never_overspent(entries: Sequence[Entry], limits: dict[int, int]) -> list[str]:
    """No bucket below nothing and no limit exceeded, after every entry."""
    wrong: list[str] = []
    has: dict[tuple[int, str], int] = defaultdict(int)
    used: dict[int, int] = defaultdict(int)
    for entry in entries:
        for bucket, source, target, amount in entry.moves:
            if bucket is None:
                continue
            for place, change in ((source, -amount), (target, amount)):
                if place in USED:
                    used[entry.account] += change
                has[bucket, place] += change
                if has[bucket, place] < 0 and place != Place.ISSUED:
                    wrong.append(f"{entry.key} leaves {has[bucket, place]} {place} in bucket {bucket}")
        if used[entry.account] > limits.get(entry.account, used[entry.account]):
            wrong.append(f"{entry.key} takes account {entry.account} past its limit: {used[entry.account]}")
    return wrong


def acknowledged(session: Session, seen: Sequence[Seen]) -> list[str]:
    """Whatever was answered with 2xx is there as it was told, and each request once."""
    rows = session.execute(text("SELECT request_id, id, state, captured FROM holds")).all()
    holds = {row[0]: row for row in rows}
    wrong = [] if len(holds) == len(rows) else ["a request has two holds"]
    for each in seen:
        if each.status is None or each.status >= 300:
            continue
        row = holds.get(each.request_id)
        told = each.told["hold"]
        assert isinstance(told, dict)
        if row is None or row[1] != told["id"]:
            wrong.append(f"{each.request_id} was answered and is not there")
        elif each.kind in ("capture", "charge") and (row[2], row[3]) != ("captured", told["captured"]):
            wrong.append(f"{each.request_id} was captured with {told['captured']} and is {row[2:]}")
        elif each.kind == "release" and row[2] != "released":
            wrong.append(f"{each.request_id} was released and is {row[2]}")
    return wrong


def refused(entries: Sequence[Entry], seen: Sequence[Seen], limits: dict[int, int]) -> list[str]:
    """Every refusal tells a sum that there was while it was decided, and that was too little."""
    wrong: list[str] = []
    available, used, place_of = lines_of(entries)
    by_account = known_places(seen, place_of)
    # A repeated refusal tells what there was at the first delivery of its request.
    first_asked: dict[str, float] = {}
    for each in seen:
        if each.kind in ("hold", "charge"):
            first_asked[each.request_id] = min(each.started, first_asked.get(each.request_id, each.started))
    for each in seen:
        if each.status != 402:
            continue
        line = available[each.account]
        if each.told["code"] == "key_limit_reached":
            # What a key may spend is what its limit leaves of what there is.
            spent = used[each.account]
            line = [min(has, limits[each.account] - gone) for has, gone in zip(line, spent, strict=True)]
        started = first_asked[each.request_id]
        # What was answered before it was asked is in front of it, what was asked after its answer behind.
        first = max((at for _, ended, at in by_account[each.account] if ended < started), default=0)
        last = min(
            (at - 1 for begun, _, at in by_account[each.account] if begun > each.ended), default=len(line) - 1
        )
        figure = each.told["available"]
        if figure not in line[first : last + 1]:
            wrong.append(f"{each.request_id} was refused at {figure}, which there was never then")
        elif int(str(figure)) >= each.amount:
            wrong.append(f"{each.request_id} was refused {each.amount} of {figure}")
    return wrong


Lines = dict[int, list[int]]
"""Of each account, a figure after each of its entries."""


def lines_of(entries: Sequence[Entry]) -> tuple[Lines, Lines, dict[str, tuple[int, int]]]:
    """What each account had, and what it had spent or held, after each entry; and which each entry is."""
    available: Lines = defaultdict(lambda: [0])
    used: Lines = defaultdict(lambda: [0])
    place_of: dict[str, tuple[int, int]] = {}
    for entry in entries:
        line = available[entry.account]
        taken = 0
        change = 0
        for bucket, source, target, amount in entry.moves:
            change += amount * ((target == Place.AVAILABLE) - (source == Place.AVAILABLE))
            if bucket is not None:
                taken += amount * ((target in USED) - (source in USED))
        line.append(line[-1] + change)
        used[entry.account].append(used[entry.account][-1] + taken)
        place_of[entry.key] = (entry.account, len(line) - 1)
    return available, used, place_of


def known_places(
    seen: Sequence[Seen], place_of: dict[str, tuple[int, int]]
) -> dict[int, list[tuple[float, float, int]]]:
    """Of each account: when a question first began and was first answered, and its place where known.

    Whatever delivery was the one that was carried out, it was between these two: the first delivery may have
    been, and its answer lost.
    """
    began: dict[tuple[str, str], float] = {}
    for each in seen:
        named = (each.request_id, _entry_of(each))
        began[named] = min(each.started, began.get(named, each.started))
    answered: dict[str, tuple[float, float]] = {}
    for each in seen:
        if each.status is not None and each.status < 300:
            told = each.told["hold"]
            assert isinstance(told, dict)
            entry = f"{_entry_of(each)}:{told['id']}"
            begun = began[each.request_id, _entry_of(each)]
            _, ended = answered.get(entry, (begun, each.ended))
            answered[entry] = (begun, min(ended, each.ended))
    by_account: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for entry, (begun, ended) in answered.items():
        if entry in place_of:
            account, at = place_of[entry]
            by_account[account].append((begun, ended, at))
    return by_account


def _entry_of(each: Seen) -> str:
    """Return how the key of the entry that it makes begins."""
    return each.kind if each.kind in ("hold", "charge") else "end"
