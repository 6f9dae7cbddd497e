"""/v1/public and the public page over HTTP: for everybody, of one block, and their age told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.networks import load_network
from entitlement.chain.public.snapshot import SnapshotReader
from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.errors import NodeUnavailable, NotReadYet
from entitlement.core.ledger import Source
from entitlement.flows.read_public import CREDIT_FRESH_SECONDS, FRESH_SECONDS, ReadPublic
from entitlement.report.style import POLICY
from entitlement.settings import read_settings
from entitlement.wiring.service import Service, build_service
from tests.api.conftest import TOKEN_SECRET, Front
from tests.api.support import assert_problem
from tests.chain.public_story import Story
from tests.chain.system import System, deployed
from tests.support import USD, Holder, grant, holder

OF_CHAIN = ("supply", "diem", "emission", "buybacks", "powers")
ROUTES = (*OF_CHAIN, "credit", "deployment")
PATIENCE = 120.0
"""A loaded machine takes its time, and that is no failure."""
EXPLORED = r"https://explorer\.example/((address|tx)/0x[0-9a-fA-F]+|block/[0-9]+)"
HOSTILE = "<script>alert('x')</script>\"><img src=https://evil.example/x onerror=alert(1)>"


@pytest.fixture(scope="module")
def told() -> Iterator[System]:
    """A system in which something of everything has happened."""
    with deployed(load_network("anvil"), load_artifacts()) as made:
        Story(made).tell()
        yield made


@dataclass
class PublicWorld:
    """A service whose clock of ages is moved by hand, and a browser without any credential."""

    service: Service
    sessions: sessionmaker[Session]
    client: httpx.Client
    system: System
    time: float = 0.0

    def get(self, name: str, **headers: str) -> httpx.Response:
        answer = self.client.get(f"/v1/public/{name}", headers=headers)
        assert answer.status_code in (200, 304), answer.text
        return answer


def world_of(
    front: Front, sessions: sessionmaker[Session], folder: Path, system: System
) -> Iterator[PublicWorld]:
    settings = read_settings(data_folder=folder, token_secret=TOKEN_SECRET)
    service = build_service(settings, load_network("anvil"), sessions)
    with httpx.Client(base_url=front.url, timeout=60) as client:
        made = PublicWorld(service, sessions, client, system)
        given = (system.anvil.url, system.network, system.deployment, system.artifacts)
        public = ReadPublic(sessions, lambda: SnapshotReader(*given), lambda: made.time, PATIENCE)
        made.service = replace(service, public=public)
        front.app = create_app(made.service)
        yield made


@pytest.fixture
def public(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path, told: System
) -> Iterator[PublicWorld]:
    yield from world_of(front, sessions, tmp_path, told)


def figures_in(answer: object) -> Iterator[dict[str, Any]]:
    """Whatever has an amount, wherever it stands."""
    if isinstance(answer, dict):
        if "amount" in answer:
            yield answer
        for each in answer.values():
            yield from figures_in(each)
    elif isinstance(answer, list):
        for each in answer:
            yield from figures_in(each)


def test_all_routes_tell_of_the_same_block_and_every_figure_says_which(public: PublicWorld) -> None:
    head = public.system.devnet.head()
    for name in OF_CHAIN:
        answer = public.get(name).json()
        read = answer["read"]
        assert (read["block"], read["block_hash"], read["block_time"]) == (
            head.number,
            head.hash,
            head.timestamp,
        )
        figures = list(figures_in(answer))
        assert figures
        for figure in figures:
            assert (figure["block"], figure["block_hash"], figure["block_time"]) == (
                head.number,
                head.hash,
                head.timestamp,
            )
            assert figure["amount"].isdecimal()
            assert figure["unit"]
            assert figure["recompute"]
    for setting in public.get("powers").json()["settings"]:
        assert setting["recompute"]
        assert setting["block"] == head.number
    addresses = {each["name"]: each["address"] for each in public.get("deployment").json()["contracts"]}
    assert addresses == public.system.deployment.addresses


def test_pages_of_any_origin_may_read_them_and_no_other_route(public: PublicWorld) -> None:
    for name in ROUTES:
        answer = public.get(name, Origin="https://example.org")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "ETag" in answer.headers["access-control-expose-headers"]
    asked = public.client.options("/v1/public/supply", headers={"Origin": "https://example.org"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-methods"] == "GET"
    for path in ("/health/live", "/v1/publicity", "/public", "/v1/keys"):
        answer = public.client.get(path, headers={"Origin": "https://example.org"})
        assert "access-control-allow-origin" not in answer.headers


def test_whoever_has_an_answer_is_not_sent_it_again_until_it_is_another(public: PublicWorld) -> None:
    for name in ROUTES:
        first = public.get(name)
        assert first.headers["cache-control"].startswith("public, max-age=")
        public.time += 5
        again = public.get(name, **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    public.system.devnet.mine()
    assert public.get("supply").json()["read"]["age_seconds"] > 0
    first = public.get("supply")
    public.time += FRESH_SECONDS
    newer = public.get("supply", **{"If-None-Match": first.headers["etag"]})
    assert newer.status_code == 200
    assert newer.json()["read"]["block"] == first.json()["read"]["block"] + 1
    assert newer.headers["age"] == "0"


def test_while_the_node_is_away_the_last_figures_are_told_with_their_age(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with deployed(load_network("anvil"), load_artifacts()) as system:
        for public in world_of(front, sessions, tmp_path, system):
            before = public.get("supply").json()
            assert (before["read"]["is_stale"], before["read"]["problem"]) == (False, None)
            system.anvil.stop()
            public.time += 3_600
            answer = public.get("supply")
            after = answer.json()
            assert after["total_supply"] == before["total_supply"]
            assert after["read"]["age_seconds"] == 3_600
            assert after["read"]["is_stale"]
            assert "the node did not answer" in after["read"]["problem"]
            assert answer.headers["age"] == "3600"
            page = public.client.get("/public")
            assert page.status_code == 200
            assert "1 hour old" in page.text
            assert "the node did not answer" in page.text


def test_without_a_deployment_all_but_the_ledger_is_unavailable_and_says_so(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    settings = read_settings(
        data_folder=tmp_path, token_secret=TOKEN_SECRET, deployment=tmp_path / "31337.json"
    )
    front.app = create_app(build_service(settings, load_network("anvil"), sessions))
    with httpx.Client(base_url=front.url, timeout=60) as client:
        for name in (*OF_CHAIN, "deployment"):
            answer = client.get(f"/v1/public/{name}")
            assert "no deployment is recorded" in assert_problem(answer, 503, "unavailable")["detail"]
            assert answer.headers["access-control-allow-origin"] == "*"
        credit = client.get("/v1/public/credit")
        assert (credit.status_code, credit.json()["read"], credit.json()["roots"]) == (200, None, [])
        page = client.get("/public")
        assert page.status_code == 503
        assert "no deployment is recorded" in page.text


# --- credit --------------------------------------------------------------------------------------------


def spend(public: PublicWorld, who: Holder, amount: int, request_id: str) -> None:
    answer = public.service.spend.hold(who.gateway_id, who.request(amount, request_id))
    public.service.spend.capture(who.gateway_id, answer.hold.id, answer.hold.amount, None)


def test_days_that_are_over_are_told_by_source_and_the_running_one_is_not(public: PublicWorld) -> None:
    one, other = (
        holder(public.sessions, diem=3 * USD, number=1),
        holder(public.sessions, diem=2 * USD, number=2),
    )
    grant(public.sessions, one.account_id, Source.PREPAID, 10 * USD)
    first = epoch_at(public.service.clock.now())
    spend(public, one, 4 * USD, "r1")
    spend(public, other, USD // 2, "r2")
    assert public.get("credit").json()["days"] == []
    public.service.clock.jump_to((first + 1) * SECONDS_PER_EPOCH + 60)
    public.service.expiry.expire_buckets()
    grant(public.sessions, one.account_id, Source.DIEM, 7 * USD)
    spend(public, one, USD, "r3")
    public.time += CREDIT_FRESH_SECONDS
    (day,) = public.get("credit").json()["days"]
    assert (day["epoch"], day["starts_at"]) == (first, first * SECONDS_PER_EPOCH)
    assert day["sources"] == [
        {
            "source": "diem",
            "granted": str(5 * USD),
            "spent": str(3 * USD + USD // 2),
            "expired": str(2 * USD - USD // 2),
        },
        {"source": "prepaid", "granted": str(10 * USD), "spent": str(USD), "expired": "0"},
    ]


def test_days_long_over_are_remembered_and_those_on_which_something_may_still_be_booked_read_again(
    public: PublicWorld,
) -> None:
    who = holder(public.sessions, diem=USD, number=1)
    first = epoch_at(public.service.clock.now())
    for number in range(12):
        spend(public, who, USD // 4, f"r{number}")
        public.service.clock.jump_to((first + number + 1) * SECONDS_PER_EPOCH + 60)
        grant(public.sessions, who.account_id, Source.DIEM, (number + 2) * USD)
        public.time += CREDIT_FRESH_SECONDS
        days = public.get("credit").json()["days"]
        assert [day["epoch"] for day in days] == list(range(first, first + number + 1))
        assert [int(day["sources"][0]["granted"]) for day in days] == [
            (day + 1) * USD for day in range(number + 1)
        ]
    assert set(public.service.public._settled) > {first, first + 1}
    assert max(public.service.public._settled) < first + 12 - 7


def test_roots_are_told_with_the_transaction_that_published_them(public: PublicWorld) -> None:
    roots = public.get("credit").json()["roots"]
    assert len(roots) == 5
    for root in roots:
        receipt = public.system.contracts.web3.eth.get_transaction_receipt(root["transaction"])
        assert receipt["blockNumber"] == root["block"]
        found = public.system.contracts.view("EpochRoots", "commitmentOf", root["epoch"])
        assert (str(found[1]), str(found[2]), found[3]) == (root["granted"], root["spent"], root["accounts"])


# --- the page ------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


LOADING = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "form",
    "video",
    "audio",
    "base",
    "link",
    "image",
    "use",
}


def assert_harmless(text: str) -> None:
    for tag, attributes in Elements(text).found:
        assert tag not in LOADING
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert not re.match(r"\w+:|//", attributes.get("href") or "")
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_runs_nothing_and_asks_nobody(public: PublicWorld) -> None:
    answer = public.client.get("/public")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert_harmless(answer.text)


def test_the_page_has_every_section_with_a_table_beside_each_plot(public: PublicWorld) -> None:
    who = holder(public.sessions, diem=USD)
    spend(public, who, USD // 3, "r1")
    public.service.clock.jump_to(public.service.clock.now() + SECONDS_PER_EPOCH)
    text = public.client.get("/public").text
    for name in ("supply", "diem", "emission", "buybacks", "credit", "powers", "deployment"):
        (part,) = re.findall(rf'<section id="{name}">(.*?)</section>', text, re.DOTALL)
        assert f"/v1/public/{name}" in part
        assert "<table>" in part
        assert part.count('role="img"') == part.count("<svg")
        assert part.count("<svg") == (0 if name in ("powers", "deployment") else 1)
        for tag, attributes in Elements(part).found:
            assert tag != "svg" or attributes["aria-label"]
    head = public.system.devnet.head()
    assert f"block {head.number}" in text
    assert head.hash in text
    for address in public.system.deployment.addresses.values():
        assert address in text
    for word in ("waiting", "ready", "executed", "cancelled", "lowerEmissionRate(newRate = "):
        assert word in text


def test_the_page_does_not_wait_for_the_ledger(public: PublicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_yet(_public: ReadPublic) -> None:
        raise NotReadYet(what="the ledger is read for the first time")

    monkeypatch.setattr(ReadPublic, "credit", not_yet)
    page = public.client.get("/public")
    assert page.status_code == 200
    assert "the ledger is read for the first time" in page.text
    assert_problem(public.client.get("/v1/public/credit"), 503, "unavailable")


def test_what_a_node_says_cannot_become_part_of_the_page(
    front: Front, sessions: sessionmaker[Session], tmp_path: Path, told: System
) -> None:
    for public in world_of(front, sessions, tmp_path, told):

        def refuse() -> SnapshotReader:
            raise NodeUnavailable(method="eth_call", reason=HOSTILE)

        front.app = create_app(
            replace(public.service, public=ReadPublic(sessions, refuse, patience=PATIENCE))
        )
        page = public.client.get("/public")
        assert page.status_code == 503
        assert "&lt;script&gt;" in page.text
        assert_harmless(page.text)
        hostile_page = page_over(front, public, hostile(told))
        assert "&lt;script&gt;" in hostile_page
        assert_harmless(hostile_page)


def links_of(text: str) -> list[str]:
    found = [attributes.get("href") or "" for tag, attributes in Elements(text).found if tag == "a"]
    return [link for link in found if re.match(r"\w+:|//", link)]


def test_the_page_leads_to_the_explorer_where_the_network_has_one_and_nowhere_else(
    public: PublicWorld, front: Front
) -> None:
    text = public.client.get("/public").text
    assert links_of(text) == []
    assert '<a href="/" class="brand">' in text
    for place in re.findall(r'href="#(\w+)"', text):
        assert f'<section id="{place}">' in text
    network = replace(public.service.network, explorer="https://explorer.example")
    front.app = create_app(replace(public.service, network=network))
    found = links_of(public.client.get("/public").text)
    head = public.system.devnet.head().number
    assert f"https://explorer.example/block/{head}" in found
    for address in public.system.deployment.addresses.values():
        assert f"https://explorer.example/address/{address}" in found
    told = [
        *(each["transaction"] for each in public.get("buybacks").json()["runs"]),
        *(each["transaction"] for each in public.get("credit").json()["roots"]),
        *(each["transaction"] for each in public.get("emission").json()["history"]),
        *(each["transaction"] for each in public.get("powers").json()["operations"]),
        *(each["ended_by"] for each in public.get("powers").json()["operations"] if each["ended_by"]),
    ]
    assert len(told) > 10
    for transaction in told:
        assert f"https://explorer.example/tx/{transaction}" in found
    assert [link for link in found if not re.fullmatch(EXPLORED, link)] == []


def test_what_is_no_address_and_no_hash_becomes_no_link(
    public: PublicWorld, front: Front, told: System
) -> None:
    network = replace(public.service.network, explorer="https://explorer.example")
    reading = ReadPublic(public.sessions, lambda: hostile(told), patience=PATIENCE)
    front.app = create_app(replace(public.service, network=network, public=reading))
    text = public.client.get("/public").text
    assert "&lt;script&gt;" in text
    assert [link for link in links_of(text) if not re.fullmatch(EXPLORED, link)] == []


def hostile(told: System) -> SnapshotReader:
    """A reader whose deployment has names that nobody would give."""
    deployment = told.deployment
    names = replace(
        deployment,
        network=HOSTILE,
        addresses=deployment.addresses | {HOSTILE: HOSTILE},
        transactions=deployment.transactions | {HOSTILE: HOSTILE},
    )
    return SnapshotReader(told.anvil.url, told.network, names, told.artifacts)


def page_over(front: Front, public: PublicWorld, reader: SnapshotReader) -> str:
    reading = ReadPublic(public.sessions, lambda: reader, patience=PATIENCE)
    front.app = create_app(replace(public.service, public=reading))
    page = public.client.get("/public")
    assert page.status_code == 200
    return page.text
