"""`entitlement demo`: the story of the product on real transactions, step by step with the figures.

It has a stack of its own in a temporary folder, and fails if anything does not come out as it is told.
"""

import signal
import tempfile
from pathlib import Path

import httpx
from eth_account.signers.local import LocalAccount

from entitlement.chain.devnet import development_account
from entitlement.cli.actor import Actor
from entitlement.cli.children import interrupt
from entitlement.cli.genesis import PEOPLE
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.show import console, dollars, moment, step, tokens
from entitlement.cli.stack import LocalStack, Ports
from entitlement.core.epochs import epoch_at
from entitlement.core.units import WEI_PER_TOKEN, Wei, nano_usd_down

STAKE = Wei(2_000 * WEI_PER_TOKEN)
DIEM = Wei(WEI_PER_TOKEN)
MODEL = "echo-large"
PAGES = 2_000
CALLS_MAX = 50
ASK_SECONDS = 60.0
PAYMENT_REQUIRED = 402


def demo() -> None:
    """Tell the [bold]whole story[/] on a stack of its own: stake, mint, spend until a 402, the day after."""
    # Also Ctrl-C: whoever is started in the background of a shell inherits it as ignored.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.TemporaryDirectory(prefix="entitlement-demo-") as folder:
        # The embedded database runs as a user of its own when we are root; it must be able to pass through.
        Path(folder).chmod(0o755)
        with LocalStack(Path(folder) / "stack", Ports.free()) as stack:
            _chapter("A stack of its own")
            stack.start(step)
            Story(stack, development_account(PEOPLE["bob"])).tell()
    console.print("\n[bold green]The story came out as told.[/]")


class Story:
    """Bob's two days."""

    def __init__(self, stack: LocalStack, account: LocalAccount) -> None:
        self._stack = stack
        self._bob = Actor(stack.contracts, account)
        self._secret = ""

    def tell(self) -> None:
        """Go through the chapters in their order."""
        self._stake_and_mint()
        self._receive_allowance()
        self._make_key()
        spent = self._spend_until_refused()
        self._come_back_tomorrow(spent)

    def _stake_and_mint(self) -> None:
        bob = self._bob
        view = bob.view(self._stack.devnet.head())
        supply = self._stack.contracts.view("DIEM", "totalSupply")
        target = self._stack.contracts.view("DiemMint", "target")
        _chapter("Stake VVV, mint DIEM")
        _fact("DIEM supply and target", f"{tokens(supply, 2)} of {tokens(target, 0).rstrip('.')}")
        _fact("so one DIEM locks", f"{tokens(view.mint_rate, 2)} staked VVV at the margin")
        bob.stake_vvv(STAKE)
        _fact("bob stakes", f"{tokens(STAKE, 2)} VVV")
        lock = bob.quote_diem(DIEM)
        bob.mint_diem(DIEM, lock)
        view = bob.view(self._stack.devnet.head())
        _expect(view.vvv_locked == lock, "the quote is what is locked")
        _fact("bob mints", f"{tokens(DIEM, 2)} DIEM, which locks {tokens(view.vvv_locked, 4)} VVV")
        bob.stake_diem(DIEM)
        _fact("bob stakes", f"{tokens(DIEM, 2)} DIEM")

    def _receive_allowance(self) -> None:
        _chapter("The chain's word becomes credit")
        head = self._stack.devnet.head()
        self._stack.wait_for_block(head.number)
        account = self._stack.service.accounts.account(self._bob.wallet)
        view = self._bob.view(head)
        _fact(
            "the contract says",
            f"{tokens(view.allowance_current)} DIEM today, {tokens(view.allowance_next)} tomorrow",
        )
        _fact(
            "the ledger grants",
            f"{dollars(account.allowance_now)} today, {dollars(account.allowance_next)} tomorrow",
        )
        _expect(
            account.allowance_now == nano_usd_down(view.allowance_current), "the grant is the contract's word"
        )
        _fact("it is", f"{moment(self._stack.service.clock.now())}, epoch {account.balance.epoch}")

    def _make_key(self) -> None:
        _chapter("Sign in with the wallet, make an API key")
        with ServiceClient.sign_in(self._stack.api_url, self._bob.account) as client:
            made = client.post("/v1/keys", {"description": "bob's key"})
        self._secret = str(made["secret"])
        _fact("key", f"{made['key']['id']}, its secret ends in {made['key']['last_six']}")

    def _spend_until_refused(self) -> int:
        _chapter(f"Spend it at the gateway, on {MODEL}")
        answered = 0
        for _ in range(CALLS_MAX):
            response = self._ask()
            if response.status_code == PAYMENT_REQUIRED:
                error = response.json()["error"]
                break
            answer = response.raise_for_status().json()
            answered += 1
            left = self._stack.service.accounts.account(self._bob.wallet).balance
            usage = answer["usage"]
            _fact(
                f"call {answered}",
                f"{usage['prompt_tokens']:,} tokens in, {usage['completion_tokens']:,} out; "
                f"{dollars(left.available)} left",
            )
        else:
            raise AssertionError(f"{CALLS_MAX} calls and no 402")
        _expect(answered > 0, "some calls were answered")
        console.print(f"  [bold red]402[/] {error['code']}: {error['message']}", soft_wrap=True)
        balance = self._stack.service.accounts.account(self._bob.wallet).balance
        _fact("spent of today's credit", f"{dollars(balance.spent)} of {dollars(balance.granted)}")
        _fact("it returns at", moment(balance.resets_at))
        _expect(balance.held == 0, "nothing stays held")
        return balance.spent

    def _come_back_tomorrow(self, spent: int) -> None:
        _chapter("The next day")
        stack = self._stack
        before = stack.service.accounts.account(self._bob.wallet).balance
        stack.jump_to(before.resets_at)
        _fact("chain and clock", moment(before.resets_at))
        balance = stack.service.accounts.account(self._bob.wallet).balance
        _expect(balance.epoch == epoch_at(before.resets_at) == before.epoch + 1, "a new epoch")
        _fact("credit", f"{dollars(balance.available)} in epoch {balance.epoch}; no job had to reset it")
        self._ask().raise_for_status()
        after = stack.service.accounts.account(self._bob.wallet).balance
        _expect(after.available < balance.available, "the call was charged")
        _fact("a call works again", f"{dollars(after.available)} left")
        _fact("yesterday stays as it was", f"{dollars(spent)} spent")

    def _ask(self) -> httpx.Response:
        story = "The right to ask, every day. " * PAGES
        body = {"model": MODEL, "messages": [{"role": "user", "content": story}], "max_tokens": 4_000}
        url = f"{self._stack.gateway_url}/api/v1/chat/completions"
        headers = {"Authorization": f"Bearer {self._secret}"}
        return httpx.post(url, json=body, headers=headers, timeout=ASK_SECONDS)


def _chapter(title: str) -> None:
    console.print(f"\n[bold]{title}[/]")


def _fact(label: str, value: str) -> None:
    console.print(f"  {label:<26} {value}", soft_wrap=True, markup=False)


def _expect(held: bool, what: str) -> None:
    if not held:
        raise AssertionError(f"the story says that {what}; it did not")
