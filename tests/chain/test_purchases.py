"""Bought on real contracts: a user pays in USDC, and spends the credit at a gateway's hold."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import Network
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import InconsistentNode
from entitlement.core.keys import NewKey
from entitlement.core.membership import MONTH_SECONDS, Terms
from entitlement.core.tiers import Tier
from entitlement.core.units import USDC_PER_DOLLAR, NanoUsd
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.settings import Settings, read_settings
from entitlement.store import access
from entitlement.wiring.operator import usdc_held
from entitlement.wiring.service import build_service
from tests.chain.system import PLENTY, System, deployed
from tests.flows.test_grant_purchases import months
from tests.gateway.running import running
from tests.support import USD, assert_books_close, catch_up, reach

DEPTH = 2
PAYER, OWNER = 1, 2


def test_what_a_user_buys_is_spent_at_a_hold_once_it_is_final(
    sessions: sessionmaker[Session], network: Network, artifacts: Artifacts, tmp_path: Path
) -> None:
    late = replace(network, finality=Finality(FinalityRule.DEPTH, DEPTH))
    record = tmp_path / "deployment.json"
    settings = read_settings(data_folder=tmp_path, token_secret="s" * 32, deployment=record)
    service = build_service(settings, late, sessions)
    service.terms.set(2, Terms(NanoUsd(75 * USD), NanoUsd(10 * USD)))
    with running(create_app(service)) as url, deployed(late, artifacts) as system:
        write_deployment(system.deployment, record)
        owner, sales = system.wallet(OWNER), system.contracts.address("CreditSales")
        limits = FollowLimits(blocks_per_step=50)
        following = FollowChain(system.reader, sessions, limits, start_block=system.deployment.start_block)
        system.transact(PAYER, "DevDollar", "mint", system.address(PAYER), 10_000 * USDC_PER_DOLLAR)
        system.transact(PAYER, "DevDollar", "approve", sales, PLENTY)
        # Another pays for it: the account that is named has it.
        top_up = f"{url}/api/v1/x402/top-up"
        (asked,) = httpx.post(top_up, json={}, timeout=30).json()["accepts"]
        assert (asked["payTo"], asked["asset"]) == (sales, system.contracts.address("DevDollar"))
        owner_address = system.address(OWNER)
        paid = system.transact(PAYER, "CreditSales", "topUp", owner_address, 20 * USDC_PER_DOLLAR)
        for many in (3, 2):
            system.transact(PAYER, "CreditSales", "subscribe", system.address(OWNER), 2, many, PLENTY)
        until = system.contracts.view("CreditSales", "memberUntil", system.address(OWNER), 2)

        def settle() -> None:
            catch_up(following)
            reach(service.clock, system.devnet.head().timestamp)
            service.purchases.sweep()

        assert_what_is_held_is_what_the_token_says(system, settings)
        settle()
        assert service.accounts.account(owner).balance.available == 20 * USD, "the months are not final yet"
        system.devnet.mine(DEPTH)
        settle()
        body = {"transaction": "0x" + paid["transactionHash"].hex()}
        receipt = httpx.post(top_up, json=body, timeout=30).json()["data"]
        assert (receipt["status"], receipt["creditedUsd"]) == ("credited", 20)
        account = service.accounts.account(owner)
        assert account.balance.available == (20 + 75 + 10) * USD
        assert (account.tier.tier, account.tier.subscribed_until) == (Tier.PRO, until)
        paid = months(sessions)
        assert [(tier, ends_at) for _, tier, _, ends_at in paid] == [
            (2, until - number * MONTH_SECONDS) for number in (4, 3, 2, 1, 0)
        ]
        with sessions.begin() as session:
            account_id = access.open_account(session, owner, service.clock.now())
        secret = service.keys.create(account_id, NewKey("a key")).secret
        gateway = {"Authorization": f"Bearer {service.gateways.issue_token('a gateway')}"}

        def hold(amount: int, request_id: str) -> int:
            body = {"key": secret, "amount": amount, "request_id": request_id}
            return httpx.post(f"{url}/v1/holds", json=body, headers=gateway, timeout=30).status_code

        assert hold(105 * USD, "all of it") == 201
        assert hold(1, "more") == 402
        # What a month bundles is gone with it, and the next one brings its own.
        service.clock.jump_to(paid[1][2] + 60)
        service.purchases.sweep()
        service.expiry.expire_holds()
        assert service.accounts.account(owner).balance.available == (20 + 75 + 10) * USD
        service.expiry.expire_buckets()
    assert_books_close(sessions)


def assert_what_is_held_is_what_the_token_says(system: System, settings: Settings) -> None:
    """As a statement names it, at a block."""
    named = settings.model_copy(
        update={"rpc_url": system.anvil.url, "treasury": frozenset({system.address(PAYER)})}
    )
    now = system.devnet.head()
    held = {each.what: each for each in usdc_held(named, system.network, now)}
    assert held.keys() == {"revenue", "BuybackBurner", "treasury 1"}
    for each in held.values():
        assert each.amount == system.contracts.view("DevDollar", "balanceOf", each.holder)
    assert held["revenue"].amount > 20 * USDC_PER_DOLLAR
    assert held["treasury 1"].holder == system.address(PAYER)
    # Where the preferred node is away, the next stands in.
    several = named.model_copy(update={"rpc_url": f"http://127.0.0.1:1,{system.anvil.url}"})
    assert {each.what: each for each in usdc_held(several, system.network, now)} == held
    # Before the token was deployed it answers nothing, which is no amount.
    with pytest.raises(InconsistentNode):
        usdc_held(named, system.network, replace(now, number=0))
