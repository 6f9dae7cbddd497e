"""The public page: what the routes under /v1/public say, for people. No script, no cookie."""

from entitlement.api.public_credit import credit_out
from entitlement.api.public_figures import (
    buybacks_out,
    deployment_out,
    diem_out,
    emission_out,
    supply_out,
)
from entitlement.api.public_powers import powers_out
from entitlement.api.public_schemas import DiemOut, ReadOut, SupplyOut
from entitlement.api.public_sections import (
    buybacks_section,
    credit_section,
    deployment_section,
    diem_section,
    emission_section,
    powers_section,
    section,
    supply_section,
)
from entitlement.core.errors import EntitlementError
from entitlement.flows.read_public import ReadPublic
from entitlement.report.bar import bar
from entitlement.report.document import code, document, tile
from entitlement.report.explorer import Explorer
from entitlement.report.markup import Markup, element
from entitlement.report.style import POLICY
from entitlement.report.words import dollars, duration, moment, share, tokens

TITLE = "Entitlement: public figures"
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "public, max-age=12, stale-while-revalidate=300",
}
NANO_USD_PER_DIEM_WEI = 10**9
PLACES = (
    ("supply", "Supply"),
    ("diem", "DIEM"),
    ("emission", "Emission"),
    ("buybacks", "Buybacks"),
    ("credit", "Credit"),
    ("powers", "Powers"),
    ("deployment", "Contracts"),
)
"""Each section and its name in the bar."""


def page(public: ReadPublic, explorer: Explorer) -> tuple[int, str]:
    """Return a status and the page; where the chain was never read, 503 and a page that says why."""
    try:
        held = public.figures()
    except EntitlementError as error:
        return 503, _excuse(str(error))
    supply, diem = supply_out(held), diem_out(held)
    return 200, document(
        TITLE,
        bar(PLACES),
        element("header", _heading(supply.read, explorer), _tiles(supply, diem)),
        element(
            "main",
            supply_section(supply),
            diem_section(diem),
            emission_section(emission_out(held), explorer),
            buybacks_section(buybacks_out(held), explorer),
            _credit(public, explorer),
            powers_section(powers_out(held, public.reasons()), explorer),
            deployment_section(deployment_out(held.value), explorer),
        ),
        _footer(),
    )


def _credit(public: ReadPublic, explorer: Explorer) -> Markup:
    try:
        return credit_section(credit_out(public, public.credit()), explorer)
    except EntitlementError as error:
        return section("credit", "Credit", "credit", element("p", str(error), class_="quiet"))


def _heading(read: ReadOut, explorer: Explorer) -> list[Markup]:
    stale: list[Markup] = []
    if read.is_stale:
        reason = f" The last attempt failed: {read.problem}." if read.problem else ""
        old = f"These figures are {duration(read.age_seconds)} old: the node could not be read since.{reason}"
        stale = [element("p", old, class_="stale", role="status")]
    return [
        element("h1", "What is promised, and what there is"),
        element(
            "p",
            "Stake tokens, own a daily right to AI inference. Everything that this right rests on is public: "
            "each figure here says the block it was read at, and how to compute it without asking us.",
        ),
        element(
            "p",
            f"Chain {read.chain_id}, block ",
            explorer.block(read.block),
            f", {moment(read.block_time)} UTC, ",
            code(read.block_hash),
            class_="stamp",
        ),
        *stale,
    ]


def _tiles(supply: SupplyOut, diem: DiemOut) -> Markup:
    staked, minted = int(diem.staked.amount), int(diem.supply.amount)
    effective, burned = int(supply.effective.amount), int(supply.burned.amount)
    inside = int(supply.staked_unlocked.amount) + int(supply.locked_for_diem.amount)
    return element(
        "div",
        tile("Effective supply of VVV", tokens(effective, 0), f"{share(inside, effective)} of it staked"),
        tile(
            "VVV burned",
            tokens(burned, 0),
            f"{share(burned, int(supply.minted_ever.amount))} of all ever minted",
        ),
        tile(
            "Credit a day, for ever",
            dollars(staked // NANO_USD_PER_DIEM_WEI, 0),
            f"{share(staked, minted)} of {tokens(minted, 0)} DIEM staked",
        ),
        tile("One DIEM locks", f"{tokens(int(diem.mint_rate.amount))} VVV", "to mint it now"),
        class_="tiles",
    )


def _footer() -> Markup:
    words = (
        "Amounts are cut, never rounded up; the JSON has every digit. No figure of a person is here: "
        "a wallet finds its own at its account."
    )
    return element("footer", element("p", words))


def _excuse(reason: str) -> str:
    return document(
        TITLE,
        bar(),
        element(
            "main",
            element(
                "section",
                element("h1", "The figures cannot be read at this moment"),
                element("p", reason),
                element(
                    "p", "They will be here again as soon as they can: try again in a minute.", class_="quiet"
                ),
            ),
        ),
    )
