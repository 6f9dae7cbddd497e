import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from entitlement.store.leadership import Leadership, Role


@pytest.fixture
def two(database: Engine) -> Iterator[tuple[Leadership, Leadership]]:
    first, second = (Leadership(database, Role.JOBS) for _ in range(2))
    yield first, second
    first.give_up()
    second.give_up()


def test_of_two_processes_one_leads(two: tuple[Leadership, Leadership]) -> None:
    first, second = two
    assert first.is_taken()
    assert not second.is_taken()
    assert first.is_held()


def test_a_leader_that_gives_up_is_replaced(database: Engine, two: tuple[Leadership, Leadership]) -> None:
    leader = Leadership(database, Role.JOBS)
    assert leader.is_taken()
    assert leader.is_taken(), "asking again changes nothing"
    leader.give_up()
    takes_over(two[0])


def test_a_leader_whose_connection_dies_knows_it_and_is_replaced(
    database: Engine, two: tuple[Leadership, Leadership]
) -> None:
    first, second = two
    assert first.is_taken()
    with database.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
        )
    assert not first.is_held()
    takes_over(second)
    assert second.is_held()


def takes_over(follower: Leadership) -> None:
    """The server notices the end of a connection a moment after it."""
    for _ in range(100):
        if follower.is_taken():
            return
        time.sleep(0.05)
    pytest.fail("nobody leads")
