"""The dashboard as the API serves it: its document, its files, and what a browser may do with them."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.api.dashboard import NO_REFERENCE, NOT_BUILT, PAGES, PLACE
from entitlement.chain.networks import load_network
from entitlement.core.errors import SetupError
from entitlement.settings import read_settings
from entitlement.wiring.dashboard import DashboardConfig, Outside
from entitlement.wiring.service import build_service
from tests.api.conftest import TOKEN_SECRET, Front

PROJECT_ID = "0123456789abcdef0123456789abcdef"
SCRIPT = "console;" * 400
CONFIG = DashboardConfig(
    chain_id=8453,
    chain_name="base</script><script>alert(1)</script>",
    is_devnet=False,
    block_seconds=2,
    explorer="https://explorer.example",
    start_block=7,
    addresses={"VVV": "0x" + "11" * 20},
    gateway_url="https://gateway.example",
    outside=Outside(rpc_url=None, walletconnect_project_id=None, coinbase=False),
)
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(f'<script type="application/json" id="settings">{PLACE}</script>')
    (folder / "docs.html").write_text("<main id='reference'></main>")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-abc.js").write_text(SCRIPT)
    (tmp_path / "secret.js").write_text("not for you")
    return folder


@pytest.fixture
def serve(front: Front, sessions: sessionmaker[Session], files: Path, tmp_path: Path) -> Serve:
    @contextmanager
    def serving(config: DashboardConfig = CONFIG, folder: Path = files) -> Iterator[httpx.Client]:
        settings = read_settings(data_folder=tmp_path, token_secret=TOKEN_SECRET, web_folder=folder)
        service = build_service(settings, load_network("anvil"), sessions)
        front.app = create_app(replace(service, dashboard=lambda: config))
        with httpx.Client(base_url=front.url, timeout=30) as client:
            yield client

    return serving


def policy_of(client: httpx.Client, address: str = "/") -> dict[str, str]:
    said = client.get(address).headers["content-security-policy"]
    return dict(part.strip().split(" ", 1) for part in said.split(";"))


def test_every_address_of_the_page_is_its_one_document(serve: Serve) -> None:
    with serve() as client:
        bodies = {client.get(address).text for address in PAGES}
        assert len(bodies) == 1
        assert all(client.head(address).status_code == 200 for address in PAGES)


def test_the_addresses_served_are_those_that_the_page_knows() -> None:
    app = (Path(__file__).parents[2] / "web" / "src" / "app.tsx").read_text()
    assert re.findall(r'path: "([^"]+)"', app) == list(PAGES)


def test_what_the_page_is_told_cannot_end_its_script(serve: Serve) -> None:
    with serve() as client:
        body = client.get("/").text
    told = re.fullmatch(r'<script type="application/json" id="settings">(.*)</script>', body, re.DOTALL)
    assert told is not None
    assert "<" not in told[1]
    assert json.loads(told[1])["chain"]["name"] == CONFIG.chain_name


def test_a_browser_may_run_only_our_files_and_ask_only_us(serve: Serve) -> None:
    with serve() as client:
        policy = policy_of(client)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)


def test_the_reference_runs_only_our_files_too_and_asks_only_us(serve: Serve, files: Path) -> None:
    with serve() as client:
        assert client.head("/docs").status_code == 200
        assert client.get("/docs").text == (files / "docs.html").read_text()
        policy = policy_of(client, "/docs")
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)


def test_a_reference_that_was_not_built_says_what_to_do(serve: Serve, files: Path) -> None:
    (files / "docs.html").unlink()
    with serve() as client:
        answer = client.get("/docs")
    assert answer.status_code == 503
    assert NO_REFERENCE in answer.text


def test_others_may_be_asked_only_where_the_operator_names_them(serve: Serve) -> None:
    node = replace(CONFIG, outside=Outside("https://node.example/key", None, coinbase=False))
    models = replace(CONFIG, outside=Outside(None, None, coinbase=False, models_at="https://gateway.example"))
    wallets = replace(CONFIG, outside=Outside(None, PROJECT_ID, coinbase=True))
    with serve(node) as client:
        assert policy_of(client)["connect-src"] == "'self' https://node.example/key"
    with serve(models) as client:
        assert policy_of(client)["connect-src"] == "'self' https://gateway.example"
    with serve(wallets) as client:
        policy = policy_of(client)
        assert "wss://*.walletconnect.org" in policy["connect-src"]
        assert policy["frame-src"] == "https://verify.walletconnect.org https://keys.coinbase.com"
        assert client.get("/").headers["cross-origin-opener-policy"] == "same-origin-allow-popups"


def test_a_node_s_address_cannot_add_to_the_policy() -> None:
    for hostile in ("https://node.example; script-src *", "https://node.example 'unsafe-inline'"):
        with pytest.raises(SetupError):
            read_settings(web_rpc_url=hostile)


def test_files_are_packed_for_who_takes_that_and_kept_for_ever(serve: Serve) -> None:
    with serve() as client:
        with client.stream("GET", "/assets/index-abc.js", headers={"Accept-Encoding": "gzip"}) as answer:
            packed = b"".join(answer.iter_raw())
        plain = client.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
        icon = client.get("/icon.svg")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed).decode() == plain.text == SCRIPT
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("text/javascript")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert "content-encoding" not in icon.headers


@pytest.mark.parametrize("path", ["/assets/other.js", "/assets/..%2F..%2Fsecret.js", "/assets/index.html"])
def test_nothing_beside_the_page_s_files_is_served(serve: Serve, path: str) -> None:
    with serve() as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert "not for you" not in answer.text


def test_a_page_that_is_not_built_or_has_no_contracts_says_so(
    serve: Serve, front: Front, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    with serve(folder=tmp_path / "nowhere") as client:
        answer = client.get("/")
        assert (answer.status_code, NOT_BUILT in answer.text) == (503, True)
    settings = read_settings(
        data_folder=tmp_path, token_secret=TOKEN_SECRET, deployment=tmp_path / "none" / "31337.json"
    )
    front.app = create_app(build_service(settings, load_network("anvil"), sessions))
    answer = httpx.get(f"{front.url}/stake")
    assert answer.status_code == 503
    assert "31337" in answer.text
    assert "/public" in answer.text
