"""An audit of the whole journal, or of what was written since a day, on one processor or two."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

from entitlement.audit.chain import Finding
from entitlement.audit.parts import Beside, audit_part, findings_of
from entitlement.audit.reading import (
    BATCHES,
    ENTRIES,
    NEWEST,
    SIZE,
    SUMS,
    Connection,
    Part,
    batch_hash,
    halves,
    lines,
    one_moment,
    part_since,
)

ENTRIES_FOR_TWO = 300_000
"""With fewer a second process has not started by the time that the first is done."""
SECONDS_PER_EPOCH = 86_400


@dataclass(frozen=True, slots=True)
class Head:
    """A lane's newest batch at some time, as it was published."""

    lane: int
    number: int
    hash: bytes


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong."""

    entries: int = 0
    batches: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    heads: list[Head] = field(default_factory=list[Head])
    """The lanes' newest batches: to be compared with what is published later."""
    seconds: float = 0.0
    """Of the chain alone, without the sums."""


def read_heads(path: Path) -> list[Head]:
    """Return the heads that a published file names, wherever in it they stand. Raises ValueError, OSError."""
    try:
        found = _heads_in(json.loads(path.read_text()))
        return [
            Head(int(str(each["lane"])), int(str(each["number"])), bytes.fromhex(str(each["hash"])[2:]))
            for each in found
        ]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _heads_in(value: object) -> list[Mapping[str, object]]:
    inner: list[object] = []
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        if "journal_heads" in named:
            return cast("list[Mapping[str, object]]", named["journal_heads"])
        inner = list(named.values())
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    return [head for each in inner for head in _heads_in(each)]


def audit(
    database: str,
    *,
    since: int | None = None,
    heads: list[Head] | None = None,
    sums: bool = True,
    processes: int | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005 - nobody looks
) -> Report:
    """Check the journal of a database, given as libpq takes it; `since` is an epoch. Raises psycopg.Error.

    `told` is called with how many entries are done, of how many.
    """
    report = Report()
    with one_moment(database) as (connection, moment):
        whole = Part() if since is None else part_since(connection, since * SECONDS_PER_EPOCH)
        report.batches, expected = _size(connection, whole)
        began = time.monotonic()
        two = processes == 2 or (processes is None and expected >= ENTRIES_FOR_TWO)  # noqa: PLR2004 - as named
        parts = halves(connection, whole) if two else [whole]
        done = _Done(len(parts), expected, told)
        with ExitStack() as beside:
            # The other half is begun first, and read to its end last.
            others = [beside.enter_context(Beside(database, moment, part)) for part in parts[1:]]
            report.findings = audit_part(database, moment, parts[0], partial(done.tell, 0))
            for number, other in enumerate(others, start=1):
                report.findings += other.findings(partial(done.tell, number))
        report.entries = sum(done.of_parts)
        report.seconds = time.monotonic() - began
        report.heads = [
            Head(int(str(row[0])), int(str(row[1])), cast("bytes", row[2]))
            for row in connection.execute(NEWEST)
        ]
        report.findings += compare_heads(heads or [], partial(batch_hash, connection))
        if sums and since is None:
            report.findings += check_sums(connection)
    return report


def compare_heads(heads: list[Head], hash_of: Callable[[int, int], bytes | None]) -> list[Finding]:
    """Return the published heads that the journal no longer has; `hash_of` knows a lane's batches."""
    wrong: list[Finding] = []
    for head in heads:
        stored = hash_of(head.lane, head.number)
        if stored is None:
            wrong.append(Finding(head.lane, head.number, "it was published, and is gone"))
        elif stored != head.hash:
            wrong.append(Finding(head.lane, head.number, f"it was published as 0x{head.hash.hex()}"))
    return wrong


def check_sums(connection: Connection) -> list[Finding]:
    """Return the buckets that are not what the journal makes of them."""
    return [
        Finding(None, None, f"bucket {row[0]} is not the sum of its entries")
        for row in connection.execute(SUMS)
    ]


def check_open(connection: Connection) -> list[Finding]:
    """Check all as an open connection sees it, with what its transaction has changed and not committed."""
    batches = list(lines(connection, BATCHES, Part(), "number"))
    return findings_of(iter(batches), lines(connection, ENTRIES, Part(), "batch"), Part(), lambda _done: None)


@dataclass(slots=True)
class _Done:
    parts: int
    expected: int
    told: Callable[[int, int], None]
    of_parts: list[int] = field(default_factory=list[int])

    def tell(self, part: int, so_far: int) -> None:
        self.of_parts = self.of_parts or [0] * self.parts
        self.of_parts[part] = so_far
        self.told(sum(self.of_parts), self.expected)


def _size(connection: Connection, part: Part) -> tuple[int, int]:
    query = SIZE.format(part.condition("number"))
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(str(row[0])), int(str(row[1]))
