"""The jobs deliver what the outbox holds, by themselves."""

import threading
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.networks import load_network
from entitlement.core.epochs import epoch_at
from entitlement.core.units import NanoUsd
from entitlement.core.webhooks import CreditEvent
from entitlement.jobs import Jobs
from entitlement.settings import read_settings
from entitlement.store import outbox
from entitlement.store.leadership import Leadership, Role
from entitlement.store.raw import cursor_of
from entitlement.wiring.service import build_service
from tests.gateway.running import free_port
from tests.support import ScriptedChain, follower, holder


def test_the_jobs_deliver_what_happened_without_being_asked(
    database: Engine, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    settings = read_settings(data_folder=tmp_path, token_secret="0123456789abcdef" * 4)
    service = build_service(settings, load_network("anvil"), sessions)
    who = holder(sessions)
    service.webhooks.put(who.account_id, f"http://127.0.0.1:{free_port()}/")
    now = service.clock.now()
    with sessions.begin() as session, cursor_of(session) as cursor:
        event = outbox.NewEvent(who.account_id, CreditEvent.LOW, epoch_at(now), NanoUsd(1), NanoUsd(9), now)
        outbox.add(cursor, [event])
    chain = ScriptedChain()
    chain.mine()
    jobs = Jobs(service, follower(chain, sessions), Leadership(database, Role.JOBS), poll_seconds=0.05)
    thread = threading.Thread(target=jobs.run)
    thread.start()
    try:
        look = threading.Event()
        for _ in range(600):
            if service.webhooks.read(who.account_id)[1][0].tries:
                break
            look.wait(0.1)
    finally:
        jobs.stop()
        thread.join(30)
    assert service.webhooks.read(who.account_id)[1][0].tries == 1
