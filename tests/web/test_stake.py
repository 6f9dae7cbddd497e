"""VVV staked, taken out, claimed and compounded on the page; what it says is what the chain has."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from entitlement.chain.devnet import development_account
from entitlement.chain.transactions import transact
from entitlement.cli.genesis import DEPLOYER
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import WEI_PER_TOKEN
from tests.web import axe
from tests.web import wallet as wallets
from tests.web.acts import connect, expect_sent, stake
from tests.web.browser import Visitor
from tests.web.node import Refusal
from tests.web.stack import Person, World

EXIT_DAYS = 7
OPEN, CLAIMED, CANCELLED = 1, 2, 3
TYPED, SENT = "eth_signTypedData_v4", "eth_sendTransaction"
SILENCE = r"ERR_CONNECTION|Failed to load resource|Failed to fetch"


@pytest.fixture
def alice(world: World) -> Person:
    return world.person(vvv=1_000)


def opened(visitor: Visitor, person: Person) -> Page:
    page = visitor.open("/stake", person)
    connect(page)
    return page


def unlocked(world: World, person: Person) -> int:
    return int(world.view("StakedVVV", "balanceOfUnlocked", person.address))


def held(world: World, person: Person) -> int:
    return int(world.view("VVV", "balanceOf", person.address))


def stakes(world: World, person: Person, amount: int) -> None:
    """Stake so many whole VVV without the page."""
    station = world.stack.contracts.address("StakedVVV")
    world.send(person, "VVV", "approve", station, amount * WEI_PER_TOKEN)
    world.send(person, "StakedVVV", "stake", person.address, amount * WEI_PER_TOKEN)


def exits(world: World, person: Person, amount: int) -> int:
    """Request an exit without the page; return the ticket's number."""
    world.send(person, "StakedVVV", "requestUnstake", amount * WEI_PER_TOKEN)
    return int(world.view("StakedVVV", "ticketCount"))


def request_exit(page: Page, amount: str) -> None:
    page.get_by_role("tab", name="Exit").click()
    page.get_by_label("Amount to take out").fill(amount)
    page.get_by_role("button", name="Request the exit").click()


def test_a_stake_by_permit_is_previewed_followed_to_its_end_and_what_the_chain_has(
    world: World, visitor: Visitor, alice: Person
) -> None:
    page = opened(visitor, alice)
    main = page.get_by_role("main")
    button = stake(page, "250")
    expect(main.get_by_role("row", name="VVV in your wallet")).to_contain_text("750 VVV")
    expect(main.get_by_role("row", name="Pro by stake")).to_contain_text("yes")
    expect(main.get_by_text(re.compile(r"^0\.\d+ ETH$"))).to_be_visible()
    expect(main.get_by_role("list", name="Steps in your wallet").get_by_role("listitem")).to_have_count(2)
    button.click()
    receipt = main.get_by_role("region", name="Stake 250 VVV")
    expect(receipt).to_have_attribute("data-state", "final")
    assert unlocked(world, alice) == 250 * WEI_PER_TOKEN
    assert len(visitor.wallet.requests(TYPED)) == len(visitor.wallet.requests(SENT)) == 1
    expect(main.locator(".tile", has_text="VVV unlocked")).to_contain_text("250")
    expect(main.get_by_role("row", name="Staked").first).to_contain_text("250 VVV")
    axe.check(page)


@pytest.mark.browser_long
def test_an_exit_says_its_date_waits_as_a_ticket_and_can_be_taken_back(
    world: World, visitor: Visitor, alice: Person
) -> None:
    stakes(world, alice, 100)
    world.settle()
    page = opened(visitor, alice)
    main = page.get_by_role("main")
    page.get_by_role("tab", name="Exit").click()
    page.get_by_label("Amount to take out").fill("40")
    expect(main.get_by_text("You can claim it from")).to_be_visible()
    expect(main.get_by_text("Your account is then no longer pro")).to_be_visible()
    page.get_by_role("button", name="Request the exit").click()
    ticket = main.get_by_role("row", name=re.compile(r"Take back \d"))
    expect(ticket).to_contain_text("40")
    number = int(world.view("StakedVVV", "ticketCount"))
    amount, due, state = world.view("StakedVVV", "ticketOf", alice.address, number)
    assert (amount, state) == (40 * WEI_PER_TOKEN, OPEN)
    assert abs(due - (world.now() + EXIT_DAYS * SECONDS_PER_EPOCH)) < 600, "the page's promise of seven days"
    ticket.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Stake 40 VVV again").click()
    expect(main.get_by_text("No exit is open.")).to_be_visible()
    assert world.view("StakedVVV", "ticketOf", alice.address, number)[2] == CANCELLED
    assert unlocked(world, alice) == 100 * WEI_PER_TOKEN


@pytest.mark.browser_long
def test_all_that_is_due_is_claimed_in_one_transaction_and_what_is_not_stays(
    world: World, visitor: Visitor, alice: Person
) -> None:
    stakes(world, alice, 100)
    first, second = exits(world, alice, 10), exits(world, alice, 20)
    world.jump(EXIT_DAYS * SECONDS_PER_EPOCH)
    third = exits(world, alice, 30)
    world.settle()
    page = opened(visitor, alice)
    before = held(world, alice)
    page.get_by_role("main").get_by_role("button", name="Claim 30 VVV").click()
    expect_sent(page, "final")
    assert held(world, alice) - before == 30 * WEI_PER_TOKEN
    assert len(visitor.wallet.requests(SENT)) == 1
    states = [world.view("StakedVVV", "ticketOf", alice.address, each)[2] for each in (first, second, third)]
    assert states == [CLAIMED, CLAIMED, OPEN]
    expect(page.get_by_role("button", name="Take back")).to_have_count(1)


@pytest.mark.browser_long
def test_rewards_are_claimed_into_the_wallet_and_compounded_into_the_stake(
    world: World, visitor: Visitor, alice: Person
) -> None:
    stakes(world, alice, 1_000)
    world.jump(SECONDS_PER_EPOCH)
    page = opened(visitor, alice)
    main, dialog = page.get_by_role("main"), page.get_by_role("dialog")
    main.get_by_role("button", name="Claim", exact=True).click()
    dialog.get_by_role("button", name="Claim", exact=True).click()
    expect(dialog.get_by_role("region", name="Claim the rewards")).to_have_attribute("data-state", "final")
    claimed = held(world, alice)
    assert claimed > 0
    page.keyboard.press("Escape")
    world.jump(SECONDS_PER_EPOCH)
    main.get_by_role("button", name="Compound", exact=True).click()
    dialog.get_by_role("button", name="Compound", exact=True).click()
    expect(dialog.get_by_role("region", name="Compound the rewards")).to_have_attribute("data-state", "final")
    assert unlocked(world, alice) > 1_000 * WEI_PER_TOKEN
    assert held(world, alice) == claimed, "compounding pays nothing out"


@pytest.mark.browser_long
def test_a_pause_is_told_before_anything_is_signed_and_exits_go_on(
    world: World, visitor: Visitor, alice: Person
) -> None:
    stakes(world, alice, 50)
    with paused(world):
        page = opened(visitor, alice)
        button = stake(page, "10")
        expect(page.get_by_text("New stakes, mints and purchases are paused until").first).to_be_visible()
        expect(button).to_be_disabled()
        request_exit(page, "5")
        expect_sent(page, "final")
    assert not visitor.wallet.requests(TYPED)
    assert unlocked(world, alice) == 45 * WEI_PER_TOKEN


@pytest.mark.browser_long
@pytest.mark.parametrize("code", [-32601, 4200])
def test_a_wallet_that_can_sign_no_permit_approves_exactly_the_amount_instead(
    world: World, visitor: Visitor, alice: Person, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_wallet: object, _params: object) -> None:
        raise Refusal(code, "The method does not exist.")

    monkeypatch.setitem(wallets._OWN, TYPED, refuse)
    page = opened(visitor, alice)
    visitor.wallet.reject_next(SENT)
    stake(page, "10").click()
    expect(page.get_by_text("Your wallet cannot sign a permit.")).to_be_visible()
    expect(page.get_by_text("You said no in the wallet.").first).to_be_visible()
    stake(page, "10").click()
    expect_sent(page, "final")
    assert unlocked(world, alice) == 10 * WEI_PER_TOKEN
    assert len(visitor.wallet.requests(TYPED)) == 1, "it is not asked again for what it cannot do"
    assert len(visitor.wallet.sent) == 2
    station = world.stack.contracts.address("StakedVVV")
    assert world.view("VVV", "allowance", alice.address, station) == 0, "nothing is left approved"


@pytest.mark.browser_long
def test_a_wallet_that_is_a_contract_is_told_of_two_transactions_and_stakes_by_approval(
    world: World, visitor: Visitor, alice: Person
) -> None:
    world.node.ask("anvil_setCode", [alice.address, "0x00"])
    page = opened(visitor, alice)
    button = stake(page, "10")
    expect(page.get_by_text("Your wallet is a contract, which cannot sign a permit.")).to_be_visible()
    button.click()
    expect_sent(page, "final")
    assert unlocked(world, alice) == 10 * WEI_PER_TOKEN
    assert not visitor.wallet.requests(TYPED)
    assert len(visitor.wallet.sent) == 2


@pytest.mark.browser_long
def test_what_a_contracts_wallet_answers_with_an_id_of_its_own_is_followed_to_what_it_became(
    world: World, visitor: Visitor, alice: Person
) -> None:
    world.node.ask("anvil_setCode", [alice.address, "0x00"])
    page = opened(visitor, alice)
    visitor.wallet.ids = {}
    stake(page, "10").click()
    visitor.wait_until(lambda: unlocked(world, alice) == 10 * WEI_PER_TOKEN, "the stake was mined")
    expect_sent(page, "final", mining=world)
    page.get_by_role("button", name=re.compile("^Transactions")).click()
    entries = page.get_by_role("dialog").get_by_role("listitem")
    for entry, sent in zip(entries.all(), reversed(visitor.wallet.sent), strict=True):
        expect(entry).to_have_attribute("data-state", "final")
        expect(entry).to_contain_text(sent[:10])
    assert len(visitor.wallet.ids) == 2
    assert visitor.wallet.requests("wallet_getCallsStatus")


@pytest.mark.browser_long
def test_a_permit_that_somebody_else_hands_in_first_stops_nothing(
    world: World, visitor: Visitor, alice: Person
) -> None:
    bob = world.person()

    def hand_in() -> None:
        asked = visitor.wallet.requests(TYPED)[-1]
        permit = json.loads(asked.params[1])["message"]
        signature = bytes.fromhex(asked.answer["result"].removeprefix("0x"))
        world.send(
            bob, "VVV", "permit", alice.address, permit["spender"], int(permit["value"]),
            int(permit["deadline"]), signature[64], signature[:32], signature[32:64],
        )  # fmt: skip

    page = opened(visitor, alice)
    visitor.wallet.before_sending = hand_in
    stake(page, "10").click()
    expect_sent(page, "final")
    assert unlocked(world, alice) == 10 * WEI_PER_TOKEN


@pytest.mark.browser_long
def test_a_stake_for_another_takes_a_right_address_and_a_confirmation(
    world: World, visitor: Visitor, alice: Person
) -> None:
    bob = world.person()
    page = opened(visitor, alice)
    page.get_by_text("Stake for another address").click()
    field = page.get_by_label("The address that it will belong to")
    digit = next(place for place, each in enumerate(bob.address) if place > 1 and each.isalpha())
    wrong = bob.address[:digit] + bob.address[digit].swapcase() + bob.address[digit + 1 :]
    for typed, words in (("0x12", "That is no address"), (wrong, "A digit is wrong")):
        field.fill(typed)
        expect(stake(page, "10")).to_be_disabled()
        expect(page.get_by_text(words).first).to_be_visible()
    field.fill(bob.address)
    expect(page.get_by_text("The VVV will be theirs from then on.")).to_be_visible()
    expect(stake(page, "10")).to_be_disabled()
    page.get_by_label("I have checked every digit").check()
    stake(page, "10").click()
    expect_sent(page, "final", bob.address)
    assert (unlocked(world, alice), unlocked(world, bob)) == (0, 10 * WEI_PER_TOKEN)


@pytest.mark.browser_long
def test_while_the_service_is_away_exits_are_requested_found_on_the_chain_and_claimed(
    world: World, visitor: Visitor, alice: Person
) -> None:
    stakes(world, alice, 100)
    world.settle()
    page = opened(visitor, alice)
    expect(page.get_by_role("main").locator(".tile", has_text="VVV unlocked")).to_contain_text("100")
    visitor.means(SILENCE)
    with world.api_away():
        request_exit(page, "25")
        expect(page.get_by_role("row", name=re.compile(r"Take back \d"))).to_contain_text("25")
        world.stack.devnet.jump_to(world.stack.devnet.head().timestamp + EXIT_DAYS * SECONDS_PER_EPOCH)
        page.get_by_role("button", name="Claim 25 VVV").click()
        visitor.wait_until(lambda: held(world, alice) == 925 * WEI_PER_TOKEN, "the exit was paid")
    world.jump(0)


@contextmanager
def paused(world: World) -> Iterator[None]:
    """Pause entries, as the guardian may."""
    guardian = development_account(DEPLOYER)
    transact(world.stack.contracts, guardian, "Guardian", "pauseEntries", 3_600)
    try:
        yield
    finally:
        transact(world.stack.contracts, guardian, "Guardian", "resumeEntries")
