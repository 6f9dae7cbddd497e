"""The document against the service: no answer of another status, form or content than openapi.json has."""

import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.api.conforming import Attacked, attack, known
from tests.api.conftest import Front, world_on
from tests.api.support import Person
from tests.support import assert_books_close

# What every build has time for. `python -m scripts.conformance` asks a whole stack, and for everything.
OPTIONS = ("--seed=1", "--max-examples=6", "--phases=fuzzing,stateful")


def test_no_request_gets_an_answer_that_the_document_does_not_have(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFORMING_WITHOUT_A_CHAIN", "1")
    monkeypatch.setenv("ENTITLEMENT_OPERATORS", Person().address)
    for world in world_on(front, sessions, tmp_path):
        client, rich, person = world.client, world.rich, world.person
        attacked = Attacked(
            front.url,
            gateway=world.gateway,
            wallet=world.signed_in,
            leaving=Person(77).sign_in(client),
            leaving_everywhere=Person(78).sign_in(client),
            key=rich.secret,
            known=known(client, world.gateway, world.signed_in, rich, person),
        )
        with attack(attacked, tmp_path, *OPTIONS) as asking:
            told, _ = asking.communicate()
        assert asking.returncode == 0, told
        # Whoever asks for nothing finds nothing.
        asked = re.search(r"Selected: (\d+)/\1\n +Tested: \1\n", told)
        assert asked is not None, told
        assert int(asked[1]) > 60, told
    assert_books_close(sessions)
