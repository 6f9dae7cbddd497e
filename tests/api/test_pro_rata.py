from functools import partial

from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.events import VvvStaked
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NanoUsd, Wei
from tests.api.world import World
from tests.support import NOON, ScriptedChain, follower, wallet_number


def test_an_account_shows_its_share_with_all_that_it_is_computed_from(world: World) -> None:
    world.service.clock.jump_to(NOON)
    signed_in = world.person.sign_in(world.client)
    path = f"/v1/accounts/{world.person.address}"
    world.service.pro_rata.set(Policy(NanoUsd(1_000), Wei(2)))
    chain = ScriptedChain()
    chain.mine(
        partial(VvvStaked, wallet=world.person.wallet, amount=Wei(2)),
        partial(VvvStaked, wallet=wallet_number(1), amount=Wei(4)),
        at=NOON,
    )
    follower(chain, world.sessions).step()
    assert world.client.get(path, headers=signed_in).json()["pro_rata"] is None
    midnight = starts_at(Epoch(epoch_at(NOON) + 1))
    chain.mine(at=midnight)
    follower(chain, world.sessions).step()
    world.service.clock.jump_to(midnight)
    body = world.client.get(path, headers=signed_in).json()
    assert body["pro_rata"] == {
        "amount": 333,
        "capacity": 1_000,
        "minimum_stake": "2",
        "block": 1,
        "staked_vvv": "2",
        "all_staked_vvv": "6",
    }
    balance = body["balance"]
    assert (balance["available"], balance["diem"], balance["usd"], balance["pro_rata"]) == (333, 0, 333, 333)
    assert (body["allowance_now"], balance["granted"]) == (0, 0), "those are of DIEM"
