"""Which jobs are done beside those that always are: by the settings, and by the keys that are at hand."""

from contextlib import ExitStack

from sqlalchemy import Engine

from entitlement.chain.new_heads import NewHeads
from entitlement.cli.keeper_key import find_keeper, find_poker
from entitlement.cli.publisher import is_publisher, publisher_in
from entitlement.jobs import Configured, Verifying
from entitlement.settings import Settings
from entitlement.wiring.buybacks import open_buybacks
from entitlement.wiring.poking import open_poking
from entitlement.wiring.publishing import open_publishing
from entitlement.wiring.service import Service
from entitlement.wiring.verification import open_verification


def configured_jobs(settings: Settings, service: Service, engine: Engine, opened: ExitStack) -> Configured:
    """Return what is configured; what it opens is closed with `opened`. Raises `SetupError`."""
    verifying = publishing = buybacks = None
    if settings.verify_seconds is not None:
        verification = opened.enter_context(open_verification(settings, service.sessions))
        verifying = Verifying(verification, settings.verify_seconds, settings.verify_wallets)
    if is_publisher(settings):
        signer_of = publisher_in(settings, asks=False)
        publishing = opened.enter_context(open_publishing(settings, service.sessions, signer_of))
    keeper = find_keeper(settings)
    if keeper is not None:
        buybacks = opened.enter_context(open_buybacks(settings, engine, service.sessions, keeper)).schedule
    poker = find_poker(settings)
    poking = None if poker is None else open_poking(settings, poker)
    heads = None if settings.node_ws_url is None else NewHeads(settings.node_ws_url)
    return Configured(verifying, heads, publishing, settings.publish_seconds, buybacks, poking)
