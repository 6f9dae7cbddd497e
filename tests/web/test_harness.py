"""The tests' own wallet, browser and checks, on a page as small as can be: what they miss, no test sees."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.devnet import development_account
from tests.gateway.running import running
from tests.web import axe
from tests.web.browser import Visitor
from tests.web.node import Node
from tests.web.stack import wait_until
from tests.web.wallet import CHAIN, ELSEWHERE

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
GOOD = """<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="data:,">
<script src="/page.js"></script></head>
<body><main><h1>A page</h1><p id="said">nothing</p></main></body></html>"""
NO_NAME = GOOD.replace("<p id", '<button></button><img src="data:,"><p id')
INLINE = GOOD.replace("<p id", "<script>document.title = 'inline'</script><p id")
AWAY = GOOD.replace("<p id", '<img alt="" src="http://elsewhere.example/pixel.png"><p id')
SCRIPT = """
window.announced = [];
window.heard = [];
window.addEventListener("eip6963:announceProvider", ({ detail }) => {
  if (window.announced.length === 0) {
    for (const name of ["accountsChanged", "chainChanged"])
      detail.provider.on(name, (value) => window.heard.push([name, value]));
  }
  window.announced.push(detail);
});
window.dispatchEvent(new Event("eip6963:requestProvider"));
window.ask = async (method, params) => {
  try { return { result: await window.announced[0].provider.request({ method, params }) }; }
  catch ({ code, message, data }) { return { error: { code, message, data } }; }
};
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with AnvilProcess(AnvilSettings()) as anvil:
        made = Node(anvil.url)
        yield made
        made.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pages = {"/": GOOD, "/no-name": NO_NAME, "/inline": INLINE, "/away": AWAY}

    async def page(request: Request) -> Response:
        text = pages[request.url.path]
        return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})

    async def script(_request: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    routes = [Route(path, page) for path in pages]
    with running(Starlette(routes=[*routes, Route("/page.js", script)])) as address:
        yield address


@contextmanager
def visiting(chrome: Browser, node: Node, url: str) -> Iterator[Visitor]:
    visitor = Visitor(chrome, node, url, {url})
    try:
        yield visitor
    finally:
        visitor.close()


@pytest.fixture
def visitor(chrome: Browser, node: Node, url: str) -> Iterator[Visitor]:
    with visiting(chrome, node, url) as made:
        made.open()
        made.wallet.account = development_account(1)
        yield made


def ask(page: Page, method: str, *params: object) -> dict[str, Any]:
    return dict(page.evaluate("([method, params]) => window.ask(method, params)", [method, list(params)]))


def connect(visitor: Visitor) -> str:
    return str(ask(visitor.page, "eth_requestAccounts")["result"][0])


def test_the_wallet_announces_itself_and_is_no_global(visitor: Visitor) -> None:
    names = visitor.page.evaluate("window.announced.map(({ info }) => info.name)")
    assert set(names) == {"Test Wallet"}
    assert visitor.page.evaluate("typeof window.ethereum") == "undefined"


def test_no_account_is_told_before_the_person_connects_and_it_lasts_over_a_reload(visitor: Visitor) -> None:
    assert ask(visitor.page, "eth_accounts") == {"result": []}
    assert connect(visitor) == development_account(1).address
    visitor.page.reload()
    assert ask(visitor.page, "eth_accounts") == {"result": [development_account(1).address]}
    visitor.wallet.disconnect()
    assert visitor.page.evaluate("window.heard") == [["accountsChanged", []]]


def test_a_message_is_signed_by_the_wallets_key_and_only_for_who_is_connected(visitor: Visitor) -> None:
    address, message = development_account(1).address, "0x" + b"a message".hex()
    assert ask(visitor.page, "personal_sign", message, address)["error"]["code"] == 4100
    connect(visitor)
    signature = ask(visitor.page, "personal_sign", message, address)["result"]
    assert Account.recover_message(encode_defunct(b"a message"), signature=signature) == address


def test_typed_data_is_signed_only_for_the_chain_that_the_wallet_is_on(visitor: Visitor) -> None:
    address = connect(visitor)
    document: dict[str, Any] = {
        "types": {
            "EIP712Domain": [{"name": "chainId", "type": "uint256"}],
            "Note": [{"name": "amount", "type": "uint256"}],
        },
        "primaryType": "Note",
        "domain": {"chainId": CHAIN},
        "message": {"amount": str(10**30)},
    }
    assert len(ask(visitor.page, "eth_signTypedData_v4", address, json.dumps(document))["result"]) == 132
    document["domain"]["chainId"] = ELSEWHERE
    refused = ask(visitor.page, "eth_signTypedData_v4", address, json.dumps(document))
    assert "for chain 1" in refused["error"]["message"]


def test_what_the_person_rejects_is_refused_once(visitor: Visitor) -> None:
    visitor.wallet.reject_next("eth_requestAccounts")
    assert ask(visitor.page, "eth_requestAccounts")["error"]["code"] == 4001
    assert connect(visitor)


def test_another_chain_is_left_only_if_the_person_agrees(visitor: Visitor) -> None:
    connect(visitor)
    visitor.wallet.switch_to(ELSEWHERE)
    assert ask(visitor.page, "eth_chainId") == {"result": "0x1"}
    assert ask(visitor.page, "eth_blockNumber")["error"]["code"] == 4901
    visitor.wallet.may_switch = False
    ours = {"chainId": hex(CHAIN)}
    assert ask(visitor.page, "wallet_switchEthereumChain", ours)["error"]["code"] == 4001
    visitor.wallet.may_switch, visitor.wallet.knows_chain = True, False
    assert ask(visitor.page, "wallet_switchEthereumChain", ours)["error"]["code"] == 4902
    assert ask(visitor.page, "wallet_addEthereumChain", ours) == {"result": None}
    assert ask(visitor.page, "eth_chainId") == {"result": hex(CHAIN)}
    assert visitor.page.evaluate("window.heard.at(-1)") == ["chainChanged", hex(CHAIN)]


def test_a_transaction_is_completed_sent_held_replaced_and_dropped(visitor: Visitor, node: Node) -> None:
    call = {"from": connect(visitor), "to": development_account(2).address, "value": "0x1"}
    sent = ask(visitor.page, "eth_sendTransaction", call)["result"]
    # The node answers with the hash first and mines then.
    wait_until(lambda: ask(visitor.page, "eth_getTransactionReceipt", sent)["result"], "a receipt")
    assert ask(visitor.page, "eth_getTransactionReceipt", sent)["result"]["status"] == "0x1"
    node.ask("evm_setAutomine", [False])
    try:
        waiting = ask(visitor.page, "eth_sendTransaction", call)["result"]
        faster = visitor.wallet.speed_up(waiting)
        node.ask("anvil_mine", ["0x1"])
        assert ask(visitor.page, "eth_getTransactionReceipt", waiting) == {"result": None}
        assert ask(visitor.page, "eth_getTransactionReceipt", faster)["result"]["status"] == "0x1"
        forgotten = ask(visitor.page, "eth_sendTransaction", call)["result"]
        node.ask("anvil_dropTransaction", [forgotten])
        assert ask(visitor.page, "eth_getTransactionByHash", forgotten) == {"result": None}
    finally:
        node.ask("evm_setAutomine", [True])
    assert visitor.wallet.sent == [sent, waiting, faster, forgotten]


def test_a_held_request_is_answered_only_when_the_person_has_decided(visitor: Visitor) -> None:
    visitor.wallet.hold()
    visitor.page.evaluate("void window.ask('eth_requestAccounts').then((told) => { window.told = told; })")
    visitor.page.wait_for_timeout(200)
    assert visitor.page.evaluate("window.told") is None
    visitor.wallet.release()
    visitor.page.wait_for_function("window.told !== undefined")
    assert visitor.page.evaluate("window.told.result") == [development_account(1).address]


def test_what_changes_the_chain_without_consent_is_no_method_of_the_wallet(visitor: Visitor) -> None:
    for method in ("anvil_setBalance", "evm_setAutomine", "wallet_getCapabilities"):
        assert ask(visitor.page, method)["error"]["code"] == 4200


@pytest.mark.parametrize(
    ("path", "script", "told"),
    [
        ("/", "console.error('broken')", "console: broken"),
        ("/", "setTimeout(() => { throw new Error('uncaught') })", "exception: uncaught"),
        ("/", "void fetch('/nowhere')", "404"),
        ("/inline", "", "script-src"),
        ("/away", "", "leaves the page's origin"),
    ],
)
def test_whatever_goes_wrong_in_the_browser_is_a_fault(
    chrome: Browser, node: Node, url: str, path: str, script: str, told: str
) -> None:
    with visiting(chrome, node, url) as visitor:
        page = visitor.open(path)
        page.evaluate(script or "0")
        page.wait_for_timeout(200)
        assert any(told in fault for fault in visitor.faults), visitor.faults


def test_a_page_without_faults_has_none_and_those_that_are_meant_pass(visitor: Visitor) -> None:
    assert visitor.faults == []
    visitor.means("broken")
    visitor.page.evaluate("console.error('broken on purpose')")
    visitor.page.wait_for_timeout(100)
    assert visitor.faults == []


def test_axe_names_the_element_that_keeps_people_out(chrome: Browser, node: Node, url: str) -> None:
    with visiting(chrome, node, url) as visitor:
        axe.check(visitor.open())
    with visiting(chrome, node, url) as visitor:
        (button, image) = axe.findings(visitor.open("/no-name"))
    assert button.startswith("button-name (critical)")
    assert "<button></button>" in button
    assert image.startswith("image-alt (critical)")
