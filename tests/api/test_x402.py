"""Prepaid credit by the live system's names: how to pay, what was paid, what is left."""

from entitlement.flows.read_purchases import Shop
from tests.api.support import assert_problem, bearer
from tests.api.world import World
from tests.flows.test_grant_purchases import pays
from tests.support import USD, ScriptedChain, follower

PATH = "/api/v1/x402"
SHOP = Shop(31_337, "0x" + "5a" * 20, "0x" + "dc" * 20)


def test_a_top_up_is_asked_for_seen_and_credited(world: World) -> None:
    world.service.bought.shop = lambda: SHOP
    asked = world.client.post(f"{PATH}/top-up", json={})
    assert asked.status_code == 402
    (accepted,) = asked.json()["accepts"]
    assert (accepted["network"], accepted["asset"], accepted["payTo"]) == (
        "eip155:31337",
        SHOP.usdc,
        SHOP.sales,
    )
    assert (accepted["minAmountRequired"], accepted["maxAmountRequired"]) == ("5000000", "10000000000")
    assert accepted["extra"]["call"].startswith("topUpWithPermit(")
    chain = ScriptedChain(finality_depth=1)
    wallet = world.person.wallet
    paid = chain.mine(pays(wallet), pays(wallet, 1)).hash
    wish = {"transaction": paid.upper().replace("0X", "0x")}
    unknown = world.client.post(f"{PATH}/top-up", json=wish)
    assert unknown.status_code == 402
    assert "is known yet" in unknown.json()["error"]
    follower(chain, world.sessions).step()
    for mined, status, state, credited, pending in (
        (0, 202, "pending", 0, 5.000001),
        (1, 200, "credited", 5.000001, 0),
    ):
        for _ in range(mined):
            chain.mine()
        follower(chain, world.sessions).step()
        world.service.purchases.sweep()
        answer = world.client.post(f"{PATH}/top-up", json=wish)
        assert answer.status_code == status
        data = answer.json()["data"]
        assert (data["status"], data["creditedUsd"], data["pendingUsd"]) == (state, credited, pending)
        found = world.client.get(f"{PATH}/transactions/{wallet}", headers=world.signed_in).json()["data"]
        assert [each["status"] for each in found] == [state, state]
        assert sorted(each["amountUsd"] for each in found) == [0.000001, 5]
        balance = world.client.get(f"{PATH}/balance/{wallet}", headers=world.signed_in).json()["data"]
        assert (balance["balanceUsd"], balance["canConsume"]) == (credited, bool(credited))


def test_only_prepaid_credit_counts_as_balance(world: World) -> None:
    key = bearer(world.rich.secret)
    answer = world.client.get(f"{PATH}/balance/{world.rich.wallet}", headers=key)
    assert answer.json()["data"]["balanceUsd"] == 0, f"it has {USD} of DIEM credit"


def test_nobody_sees_what_another_bought(world: World) -> None:
    for what in ("balance", "transactions"):
        path = f"{PATH}/{what}/{world.rich.wallet}"
        assert_problem(world.client.get(path, headers=world.signed_in), 403, "not_allowed")
        assert_problem(world.client.get(path), 401, "not_authenticated")


def test_what_is_no_hash_of_a_transaction_is_refused(world: World) -> None:
    for wrong in ("0x", "0x" + "g" * 64, "ab" * 32, 5, "0x" + "a" * 64 + "\n"):
        answer = world.client.post(f"{PATH}/top-up", json={"transaction": wrong})
        assert_problem(answer, 400, "invalid_request")
