"""Signing in as a wallet that is a contract, on a real chain: it says who signs for it, at a bounded cost."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy.orm import Session, sessionmaker

from entitlement.api.app import create_app
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contract_wallets import (
    LIMITS,
    LONGEST_SIGNATURE,
    ContractWallets,
)
from entitlement.chain.networks import load_network
from entitlement.chain.rpc import JsonRpc
from entitlement.core.events import VvvStaked
from entitlement.core.rates import Rate
from entitlement.core.units import Wei, wallet
from entitlement.flows.sign_in import SignIn
from entitlement.flows.wallet_signatures import WalletSignatures
from entitlement.settings import read_settings
from entitlement.wiring.service import build_service
from tests.api.conftest import TOKEN_SECRET, Front
from tests.api.support import Person, assert_problem, bearer
from tests.api.world import World, make_world
from tests.support import ScriptedChain, follower

OWNER, MALLORY = Person(21), Person(22)
ENDING = "6492" * 16


@dataclass(frozen=True)
class Street:
    """A chain with a factory of wallets, the owner's wallet on it, and Mallory's that is not there yet."""

    rpc: JsonRpc
    url: str
    factory: str
    deployed: str
    coming: str

    def wallet_of(self, owner: Person) -> str:
        asked = {"to": self.factory, "data": call("addressOf", owner)}
        return to_checksum_address("0x" + self.rpc.call("eth_call", asked, "latest")[-40:])

    def send(self, **transaction: str) -> str:
        sender = self.rpc.call("eth_accounts")[0]
        # In a block when it answers; `eth_sendTransaction` answers before.
        receipt = self.rpc.call(
            "eth_sendTransactionSync", {"from": sender, "gas": hex(5_000_000)} | transaction
        )
        assert receipt["status"] == "0x1"
        return str(receipt["contractAddress"])

    def put(self, code: str) -> str:
        """Let a contract of this code stand somewhere, and return where."""
        where = to_checksum_address("0x" + keccak(hexstr=code).hex()[:40])
        self.rpc.call("anvil_setCode", where, "0x" + code)
        return where


def call(function: str, owner: Person) -> str:
    return "0x" + (keccak(text=f"{function}(address)")[:4] + encode(["address"], [owner.address])).hex()


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        bare = Street(rpc, anvil.url, "", "", "")
        factory = bare.send(data=load_artifacts()["DevWalletFactory"].bytecode)
        made = replace(bare, factory=factory)
        made.send(to=factory, data=call("make", OWNER))
        yield replace(made, deployed=made.wallet_of(OWNER), coming=made.wallet_of(MALLORY))


@pytest.fixture
def world(front: Front, sessions: sessionmaker[Session], tmp_path: Path, street: Street) -> Iterator[World]:
    settings = read_settings(data_folder=tmp_path, token_secret=TOKEN_SECRET, rpc_url=street.url)
    service = build_service(settings, load_network("anvil"), sessions)
    front.app = create_app(service)
    with httpx.Client(base_url=front.url, timeout=60) as client:
        yield make_world(service, sessions, client)


def signed(owner: Person, address: str, text: str) -> str:
    """As a DevWallet takes it."""
    return owner.sign(text) + address[2:].lower()


def before_it_is_there(street: Street, owner: Person, signature: str) -> str:
    """As ERC-6492 says: the factory, what makes the wallet, and the signature that it then takes."""
    makes, inner = bytes.fromhex(call("make", owner)[2:]), bytes.fromhex(signature[2:])
    return "0x" + encode(["address", "bytes", "bytes"], [street.factory, makes, inner]).hex() + ENDING


def ask(world: World, address: str) -> str:
    """A message of this wallet with a fresh nonce."""
    nonce = world.client.post("/v1/sign-in/nonce").json()["nonce"]
    return OWNER.message(nonce, address=address)


def send(world: World, message: str, signature: str) -> httpx.Response:
    return world.client.post("/v1/sign-in", json={"message": message, "signature": signature})


def refused(world: World, message: str, signature: str) -> str:
    return str(assert_problem(send(world, message, signature), 400, "sign_in_refused")["kind"])


def test_a_contract_wallet_signs_in_once_with_a_message_and_has_its_own_account(
    world: World, street: Street
) -> None:
    message = ask(world, street.deployed)
    signature = signed(OWNER, street.deployed, message)
    answer = send(world, message, signature)
    assert answer.status_code == 201, answer.text
    assert answer.json()["wallet"] == wallet(street.deployed)
    account = f"/v1/accounts/{street.deployed}"
    assert world.client.get(account, headers=bearer(answer.json()["token"])).status_code == 200
    assert refused(world, message, signature) == "nonce_used_or_unknown"


def test_a_wallet_that_is_not_there_yet_signs_in_and_is_not_made_by_that(
    world: World, street: Street
) -> None:
    message = ask(world, street.coming)
    signature = signed(MALLORY, street.coming, message)
    assert refused(world, message, signature) == "malformed_signature"
    answer = send(world, message, before_it_is_there(street, MALLORY, signature))
    assert answer.status_code == 201, answer.text
    assert answer.json()["wallet"] == wallet(street.coming)
    assert street.rpc.call("eth_getCode", street.coming, "latest") == "0x"


def test_a_wallet_that_is_there_takes_the_signature_that_was_made_for_before(
    world: World, street: Street
) -> None:
    message = ask(world, street.deployed)
    wrapped = before_it_is_there(street, OWNER, signed(OWNER, street.deployed, message))
    assert send(world, message, wrapped).status_code == 201


def test_nobody_else_signs_for_a_contract_wallet_nor_anything_else(world: World, street: Street) -> None:
    message = ask(world, street.deployed)
    other = ask(world, street.deployed)
    for signature in (
        signed(MALLORY, street.deployed, message),
        signed(OWNER, street.coming, message),
        signed(OWNER, street.deployed, other),
        before_it_is_there(street, MALLORY, signed(MALLORY, street.coming, message)),
        before_it_is_there(street, MALLORY, signed(MALLORY, street.deployed, message)),
    ):
        assert refused(world, message, signature) == "malformed_signature"
    assert refused(world, message, OWNER.sign(message)) == "wrong_signer"
    assert send(world, message, signed(OWNER, street.deployed, message)).status_code == 201


def test_a_wallet_with_a_key_is_not_signed_for_by_a_factory_or_a_stranger(
    world: World, street: Street
) -> None:
    message = ask(world, OWNER.address)
    assert refused(world, message, MALLORY.sign(message)) == "wrong_signer"
    wrapped = before_it_is_there(street, MALLORY, signed(MALLORY, OWNER.address, message))
    assert refused(world, message, wrapped) == "malformed_signature"
    assert send(world, message, OWNER.sign(message)).status_code == 201


YES = "1626ba7e" + "00" * 28
HOSTILE = {
    "reverts": "5f5ffd",
    "reverts with the right word": f"7f{YES}5f5260205ffd",
    "answers with another word": f"7fffffffff{'00' * 28}5f5260205ff3",
    "says true": "60015f5260205ff3",
    "answers four bytes": f"7f{YES}5f5260045ff3",
    "answers nothing": "00",
    "answers a megabyte": "620fffff5ff3",
    "is no code": "fe",
    "burns all gas": "5b5f56",
    "calls itself for ever": "5f5f5f5f5f305af15f56",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_wallet_that_answers_otherwise_or_not_at_all_signs_nobody_in(
    case: str, world: World, street: Street
) -> None:
    message = ask(world, street.put(HOSTILE[case]))
    assert refused(world, message, "0x1234") == "malformed_signature"
    assert refused(world, message, OWNER.sign(message)) == "wrong_signer"


@pytest.mark.parametrize("case", HOSTILE)
def test_a_factory_that_answers_otherwise_or_not_at_all_signs_nobody_in(
    case: str, world: World, street: Street
) -> None:
    message = ask(world, street.coming)
    hostile = replace(street, factory=street.put(HOSTILE[case]))
    signature = before_it_is_there(hostile, MALLORY, signed(MALLORY, street.coming, message))
    assert refused(world, message, signature) == "malformed_signature"


def test_what_ends_as_erc_6492_says_and_is_built_otherwise_is_refused(world: World, street: Street) -> None:
    message = ask(world, street.deployed)
    whole = before_it_is_there(street, OWNER, signed(OWNER, street.deployed, message))
    cut, beyond = whole[2:-128], whole[2:66] + "ff" * 32 + whole[130:-64]
    for body in ("", "00", "ff" * 96, "ff" * 500, cut, beyond):
        assert refused(world, message, f"0x{body}{ENDING}") == "malformed_signature"


def test_a_signature_has_a_longest_length(world: World, street: Street) -> None:
    message = ask(world, street.deployed)
    assert refused(world, message, "0x" + "11" * LONGEST_SIGNATURE) == "malformed_signature"
    too_long = send(world, message, "0x" + "11" * (LONGEST_SIGNATURE + 1))
    assert_problem(too_long, 400, "invalid_request")


def test_without_a_good_nonce_or_for_another_place_the_chain_is_not_asked(
    world: World, street: Street, front: Front
) -> None:
    nodes: list[str] = []

    def reach() -> JsonRpc:
        nodes.append(street.url)
        return JsonRpc(street.url)

    asks(world, front, ContractWallets(reach, load_artifacts_code))
    unknown = OWNER.message("0123456789abcdef", address=street.deployed)
    assert refused(world, unknown, "0x1234") == "nonce_used_or_unknown"
    elsewhere = ask(world, street.deployed).replace("127.0.0.1:8500 wants", "evil.example wants")
    assert refused(world, elsewhere, "0x1234") == "wrong_domain"
    assert nodes == []
    assert refused(world, ask(world, street.deployed), "0x1234") == "malformed_signature"
    assert nodes == [street.url]


def test_all_together_are_asked_so_often_a_minute_and_told_when_to_come_again(
    world: World, street: Street, front: Front
) -> None:
    time = [1_000.0]
    asks(
        world,
        front,
        ContractWallets(lambda: JsonRpc(street.url), load_artifacts_code, lambda: time[0], Rate(2, 60)),
    )
    message = ask(world, street.deployed)
    for _ in range(2):
        assert refused(world, message, "0x1234") == "malformed_signature"
    body = assert_problem(send(world, message, "0x1234"), 429, "rate_limited")
    assert body["of"] == "sign-ins of contract wallets together"
    time[0] += body["retry_after"]
    assert send(world, message, signed(OWNER, street.deployed, message)).status_code == 201


def test_while_the_chain_cannot_be_asked_the_refusal_says_so_and_leaves_the_nonce(
    world: World, street: Street, front: Front
) -> None:
    message = ask(world, street.deployed)
    signature = signed(OWNER, street.deployed, message)
    asks(world, front, ContractWallets(lambda: JsonRpc("http://127.0.0.1:1", LIMITS), load_artifacts_code))
    answer = send(world, message, signature)
    assert "try again" in assert_problem(answer, 400, "sign_in_refused")["detail"]
    asks(world, front, ContractWallets(lambda: JsonRpc(street.url), load_artifacts_code))
    assert send(world, message, signature).status_code == 201


def load_artifacts_code() -> str:
    return load_artifacts()["SignatureCheck"].bytecode


def asks(world: World, front: Front, contracts: ContractWallets) -> None:
    """Let the service ask in this way."""
    sign_in = SignIn(world.sessions, world.service.audience, WalletSignatures(contracts))
    front.app = create_app(replace(world.service, sign_in=sign_in))


# --- keys by wallet ------------------------------------------------------------------------------------


def web3_key(world: World, address: str, token: str, signature: str) -> httpx.Response:
    wish: dict[str, Any] = {"apiKeyType": "INFERENCE", "address": address, "token": token}
    return world.client.post("/api/v1/api_keys/generate_web3_key", json=wish | {"signature": signature})


def web3_token(world: World) -> str:
    return str(world.client.get("/api/v1/api_keys/generate_web3_key").json()["data"]["token"])


def test_a_contract_wallet_that_stakes_makes_a_key_there_or_not_yet(world: World, street: Street) -> None:
    chain = ScriptedChain()
    for address in (street.deployed, street.coming):
        chain.mine(partial(VvvStaked, wallet=wallet(address), amount=Wei(1)))
    follower(chain, world.sessions).step()
    token = web3_token(world)
    made = web3_key(world, street.deployed, token, signed(OWNER, street.deployed, token))
    assert made.status_code == 200, made.text
    assert world.client.get(
        f"/v1/accounts/{street.deployed}", headers=bearer(made.json()["data"]["apiKey"])
    ).is_success
    token = web3_token(world)
    signature = before_it_is_there(street, MALLORY, signed(MALLORY, street.coming, token))
    assert web3_key(world, street.coming, token, signature).status_code == 200
    again = web3_key(world, street.coming, token, signature)
    assert assert_problem(again, 400, "sign_in_refused")["kind"] == "token_used"
    token = web3_token(world)
    stranger = web3_key(world, street.deployed, token, signed(MALLORY, street.deployed, token))
    assert assert_problem(stranger, 400, "sign_in_refused")["kind"] == "signature_malformed"


def test_a_contract_wallet_without_stake_is_not_asked_of_the_chain(world: World, street: Street) -> None:
    token = web3_token(world)
    answer = web3_key(world, street.put(HOSTILE["burns all gas"]), token, "0x1234")
    assert assert_problem(answer, 400, "sign_in_refused")["kind"] == "no_stake"
