"""Commands of a wallet holder: sign in with a private key, see the account, make and revoke API keys."""

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from eth_account.signers.local import LocalAccount
from rich.table import Table

from entitlement.chain.accounts import account_from_key
from entitlement.chain.devnet import ACCOUNTS, development_account
from entitlement.cli.amounts import nano_usd
from entitlement.cli.service_client import ServiceClient
from entitlement.cli.show import console, dollars, moment, tokens
from entitlement.core.errors import InvalidRequest, SetupError
from entitlement.core.limits import LimitPeriod

KEY_VARIABLE = "WALLET_PRIVATE_KEY"


keys = typer.Typer(
    help=f"Make, list and revoke [bold]API keys[/]. The wallet's key is read from {KEY_VARIABLE}.",
    no_args_is_help=True,
)

Url = Annotated[str, typer.Option(envvar="ENTITLEMENT_URL", help="The service.")]
DevAccount = Annotated[
    int | None,
    typer.Option(
        help="Sign with this well-known development account instead (0 to 9).", min=0, max=ACCOUNTS - 1
    ),
]
DEFAULT_URL = "http://127.0.0.1:8500"


@keys.command("create")
def create(
    description: Annotated[str, typer.Argument(help="What the key is for.")],
    url: Url = DEFAULT_URL,
    dev_account: DevAccount = None,
    admin: Annotated[bool, typer.Option("--admin", help="The key may also manage keys.")] = False,
    limit_diem: Annotated[
        str | None, typer.Option(help="Most dollars of DIEM credit it may spend in a period.")
    ] = None,
    limit_usd: Annotated[
        str | None, typer.Option(help="Most dollars of other credit it may spend in a period.")
    ] = None,
    period: Annotated[
        LimitPeriod, typer.Option(help="How long a limit counts before it begins again.")
    ] = LimitPeriod.EPOCH,
    expires: Annotated[
        str | None, typer.Option(help="Day (UTC) from which it is refused: YYYY-MM-DD.")
    ] = None,
) -> None:
    """Make an API key and show its secret, once."""
    body: dict[str, Any] = {
        "description": description,
        "type": "ADMIN" if admin else "INFERENCE",
        "limits": {"diem": _nano_usd(limit_diem), "usd": _nano_usd(limit_usd), "period": period.value},
        "expires_at": _day(expires),
    }
    with ServiceClient.sign_in(url, signing_account(dev_account)) as client:
        made = client.post("/v1/keys", body)
    console.print(f"made {made['key']['id']}; its secret is shown this once:")
    print(made["secret"])  # noqa: T201 - alone on a line, for scripts


@keys.command("list")
def list_all(url: Url = DEFAULT_URL, dev_account: DevAccount = None) -> None:
    """Show the keys that are not revoked."""
    with ServiceClient.sign_in(url, signing_account(dev_account)) as client:
        found = client.get("/v1/keys")["keys"]
    if not found:
        console.print("no keys; `entitlement keys create` makes one")
        return
    table = Table(
        "id", "description", "type", "ends in", "DIEM limit", "USD limit", "period", "expires", box=None
    )
    for key in found:
        limits = key["limits"]
        table.add_row(
            key["id"],
            key["description"],
            key["type"],
            key["last_six"],
            "none" if limits["diem"] is None else dollars(limits["diem"]),
            "none" if limits["usd"] is None else dollars(limits["usd"]),
            limits["period"],
            "never" if key["expires_at"] is None else moment(key["expires_at"]),
        )
    console.print(table, markup=False)


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, from `keys list`.")],
    url: Url = DEFAULT_URL,
    dev_account: DevAccount = None,
) -> None:
    """Refuse a key from now on."""
    with ServiceClient.sign_in(url, signing_account(dev_account)) as client:
        key = client.delete(f"/v1/keys/{key_id}")
    console.print(f"revoked {key['id']} ({key['description']}) at {moment(key['revoked_at'])}", markup=False)


def account(url: Url = DEFAULT_URL, dev_account: DevAccount = None) -> None:
    """Show a wallet's [bold]account[/]: its position, today's credit and tomorrow's."""
    signer = signing_account(dev_account)
    with ServiceClient.sign_in(url, signer) as client:
        found = client.get(f"/v1/accounts/{signer.address}")
    position, balance = found["position"], found["balance"]
    table = Table(title=signer.address, title_justify="left", show_header=False, box=None)
    table.add_row("credit left today", dollars(balance["available"]))
    table.add_row("  held for requests", dollars(balance["held"]))
    table.add_row("  spent", dollars(found["spent"]))
    table.add_row("allowance today", dollars(found["allowance_now"]))
    table.add_row("allowance tomorrow", dollars(found["allowance_next"]))
    if found["pro_rata"] is not None:
        table.add_row("share of the capacity", dollars(found["pro_rata"]["amount"]))
    table.add_row("returns at", moment(found["resets_at"]))
    until = found["tier"]["subscribed_until"]
    table.add_row("tier", found["tier"]["name"] + (f", member until {moment(until)}" if until else ""))
    for name, label in _POSITION.items():
        table.add_row(label, tokens(int(position[name])))
    for ticket in found["tickets"]:
        amount = f"{tokens(int(ticket['amount']))} {ticket['station'].upper()}"
        table.add_row(f"exit ticket {ticket['number']}", f"{amount} from {moment(ticket['claimable_at'])}")
    if position != found["final_position"]:
        table.add_row(
            "pending", f"blocks {found['final_block'] + 1} to {found['latest_block']} are not final yet"
        )
    console.print(table)


_POSITION = {
    "vvv_unlocked": "VVV staked, unlocked",
    "vvv_locked": "VVV locked behind DIEM",
    "vvv_cooling": "VVV on its way out",
    "diem_minted": "DIEM minted",
    "diem_staked": "DIEM staked",
    "diem_cooling": "DIEM on its way out",
    "diem_given": "DIEM right given to others",
    "diem_received": "DIEM right received",
}


def signing_account(number: int | None) -> LocalAccount:
    """Return who signs in: a development account, or the holder of the key in the environment."""
    if number is not None:
        return development_account(number)
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise SetupError(
            f"{KEY_VARIABLE} is not set.",
            remedy="Export the wallet's private key in it, or give --dev-account.",
        )
    return account_from_key(key, KEY_VARIABLE)


def _nano_usd(dollars_given: str | None) -> int | None:
    return None if dollars_given is None else nano_usd(dollars_given)


def _day(day: str | None) -> int | None:
    if day is None:
        return None
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InvalidRequest(f"{day!r} is not a day: give YYYY-MM-DD") from error
