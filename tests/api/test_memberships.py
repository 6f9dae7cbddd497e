"""What a month of membership bundles, for everybody; and the account's credit by where it is from."""

from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.ledger import Source
from entitlement.core.membership import Terms
from entitlement.core.units import NanoUsd
from tests.api.world import World
from tests.support import USD, grant

PATH = "/v1/public/memberships"


def test_anybody_reads_what_a_month_of_each_tier_bundles_from_any_page_and_what_was_set_holds_at_once(
    world: World,
) -> None:
    first = world.client.get(PATH, headers={"Origin": "https://example.org"})
    assert first.json() == {"tiers": []}
    assert first.headers["access-control-allow-origin"] == "*"
    world.service.terms.set(2, Terms(NanoUsd(68 * USD), NanoUsd(0)))
    world.service.terms.set(1, Terms(NanoUsd(10 * USD), NanoUsd(5 * USD + 1)))
    told = world.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert told.json()["tiers"] == [
        {"tier": 1, "credit": str(10 * USD), "upgrade_credit": str(5 * USD + 1)},
        {"tier": 2, "credit": str(68 * USD), "upgrade_credit": "0"},
    ]
    same = world.client.get(PATH, headers={"If-None-Match": told.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_an_account_tells_its_credit_by_source_and_end_in_the_order_of_spending_what_is_set_aside_too(
    world: World,
) -> None:
    rich, today = world.rich, epoch_at(world.service.clock.now())
    secret = {"Authorization": f"Bearer {rich.secret}"}
    before = world.client.get(f"/v1/accounts/{rich.wallet}", headers=secret).json()
    grant(world.sessions, rich.account_id, Source.PREPAID, 300)
    grant(world.sessions, rich.account_id, Source.MEMBERSHIP, 200, epoch=Epoch(today + 2))
    grant(world.sessions, rich.account_id, Source.MEMBERSHIP, 100, epoch=Epoch(today + 1))
    told = world.client.get(f"/v1/accounts/{rich.wallet}", headers=secret).json()
    parts = [(each["source"], each["available"], each["expires_at"]) for each in told["credit"]]
    added = [
        ("membership", 100, starts_at(Epoch(today + 2))),
        ("membership", 200, starts_at(Epoch(today + 3))),
        ("prepaid", 300, None),
    ]
    assert parts == [
        *((each["source"], each["available"], each["expires_at"]) for each in before["credit"]),
        *added,
    ]
    world.held(before["balance"]["available"] + 150, "of several sources")
    told = world.client.get(f"/v1/accounts/{rich.wallet}", headers=secret).json()
    parts = [(each["source"], each["available"], each["held"]) for each in told["credit"]]
    assert parts[-3:] == [("membership", 0, 100), ("membership", 150, 50), ("prepaid", 300, 0)]
    assert sum(each[1] for each in parts) == told["balance"]["available"]
    assert sum(each[2] for each in parts) == told["balance"]["held"]
