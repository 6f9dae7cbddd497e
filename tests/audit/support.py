"""A journal with a past, and what somebody with the database in his hands could do to it."""

import random
import threading
from collections.abc import Iterator, Sequence

import psycopg
from sqlalchemy.orm import Session, sessionmaker

from entitlement.audit.reading import BATCHES, ENTRIES, Part, lines
from entitlement.core.errors import EntitlementError
from entitlement.core.ledger import Source
from entitlement.core.operations import Capture, Release
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import HoldAnswer, Question, SpendCredit
from tests.support import Holder, grant, holder

Sessions = sessionmaker[Session]


def address(sessions: Sessions) -> str:
    """The database, as libpq takes it."""
    url = sessions.kw["bind"].url
    return str(url.set(drivername="postgresql").render_as_string(hide_password=False))


def spend(
    sessions: Sessions, user: Holder, rng: random.Random, *, groups: int, name: str = "r", buys: bool = True
) -> None:
    """Ask in groups of random sizes: holds, then their ends, and now and then more credit, if it `buys`."""
    flow = SpendCredit(sessions)
    for number in range(groups):
        asked = [
            Question(user.gateway_id, user.request(rng.randint(1, 9), f"{name}:{number}:{place}"))
            for place in range(rng.randint(1, 7))
        ]
        answers = flow.answer(asked)
        ends = [
            Question(
                user.gateway_id,
                Release(each.hold.id)
                if rng.random() < 0.2
                else Capture(each.hold.id, NanoUsd(rng.randint(0, 12))),
            )
            for each in answers
            if isinstance(each, HoldAnswer)
        ]
        for each in flow.answer(ends):
            assert not isinstance(each, EntitlementError)
        if rng.random() < 0.1 and buys:
            grant(sessions, user.account_id, Source.PREPAID, 1_000 * (number + 2))


def lived(
    sessions: Sessions, seed: int, *, users: int = 2, groups: int = 8, threads: int = 1
) -> list[Holder]:
    """Make accounts that spend, each group after the other or several at once, which makes several lanes."""
    rng = random.Random(f"{seed}:users")
    found = [holder(sessions, diem=500, prepaid=1_000, number=number + 1) for number in range(users)]
    if threads == 1:
        for user in found:
            spend(sessions, user, rng, groups=groups)
        return found
    working = [
        threading.Thread(
            target=spend,
            args=(sessions, found[number % users], random.Random(f"{seed}:{number}")),
            # Of two who spend a user's credit one buys it: by `grant` credit only rises.
            kwargs={"groups": groups, "name": f"t{number}", "buys": number < users},
        )
        for number in range(threads)
    ]
    for each in working:
        each.start()
    for each in working:
        each.join()
    return found


def written(sessions: Sessions) -> tuple[list[bytes], list[bytes]]:
    """The lines of all batches and of all entries."""
    with psycopg.connect(address(sessions)) as connection:
        return (
            list(lines(connection, BATCHES, Part(), "number")),
            list(lines(connection, ENTRIES, Part(), "batch")),
        )


def in_order(rows: Sequence[bytes]) -> Iterator[bytes]:
    """Rows as the database hands them out, whatever was done to them."""

    def place(row: bytes) -> tuple[int, int, int]:
        fields = row.split(b"\t")
        return int(fields[0]), int(fields[1]), int(fields[2])

    return iter(sorted(rows, key=place))
