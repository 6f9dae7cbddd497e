"""A final block that is gone stops the follower, until a person says that it may be undone."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import load_network
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import FinalBlockChanged
from entitlement.settings import read_settings
from entitlement.wiring import following, verification
from tests.chain.random_users import RandomUsers
from tests.chain.system import deployed

DEPTH = 2


def test_only_a_person_undoes_what_was_final(
    sessions: sessionmaker[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_network("anvil")
    # As a real network, whose blocks are final a little below the head.
    real = replace(network, is_devnet=False, finality=Finality(FinalityRule.DEPTH, DEPTH))
    monkeypatch.setattr(following, "load_network", lambda _name: real)
    with deployed(network, load_artifacts()) as system, ExitStack() as opened:
        users = RandomUsers(system, seed=3)
        users.settle_in()
        write_deployment(system.deployment, tmp_path / "31337.json")
        settings = read_settings(rpc_url=system.anvil.url, deployment=tmp_path / "31337.json")
        follower = opened.enter_context(following.open_follower(settings, sessions))
        while not follower.step().is_caught_up:
            pass
        system.devnet.reorg(DEPTH + 5)
        system.devnet.mine()
        for _ in range(2):
            with pytest.raises(FinalBlockChanged):
                follower.step()
        asked_to = opened.enter_context(following.open_follower(settings, sessions, may_undo_final=True))
        assert asked_to.step().undone == DEPTH + 5
        verified = opened.enter_context(verification.open_verification(settings, sessions))
        found = verified.run(system.devnet.head().number, lambda _done, _of: None)
        assert found.differences == []
        follower.step()  # and the one that stood still goes on
