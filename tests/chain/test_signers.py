"""Where a signature comes from: a keystore, or a remote signer that is believed only once it is checked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from entitlement.chain.accounts import account_from_key, account_from_keystore
from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.devnet import development_account
from entitlement.chain.signers import RemoteSigner
from entitlement.core.errors import NodeUnavailable, SetupError, SignatureRefused
from tests.chain.lying_node import RawAnswer, lying_node

ACCOUNT, OTHER = development_account(3), development_account(4)
PASSWORD = "correct horse battery staple"
TRANSACTION: dict[str, Any] = {
    "from": ACCOUNT.address,
    "to": OTHER.address,
    "data": "0x1234",
    "nonce": 7,
    "chainId": 31337,
    "value": 5,
    "gas": 100_000,
    "maxFeePerGas": 3_000_000_000,
    "maxPriorityFeePerGas": 1_000_000_000,
}
CREATION = {name: value for name, value in TRANSACTION.items() if name != "to"}


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    # A node of the development kind keeps the keys of its accounts: a remote signer.
    with AnvilProcess(AnvilSettings()) as process:
        yield process.url


@contextmanager
def answering(anvil: str, answer: object) -> Iterator[RemoteSigner]:
    """A signer that answers this, whatever it is asked to sign."""
    with lying_node(anvil) as node:
        node.lie("eth_signTransaction", lambda _asked, _truth: answer)
        yield RemoteSigner(node.url, ACCOUNT.address)


def raw(transaction: dict[str, Any], account: LocalAccount = ACCOUNT) -> str:
    return account.sign_transaction(transaction).raw_transaction.to_0x_hex()


@pytest.mark.parametrize("transaction", [TRANSACTION, CREATION])
def test_a_remote_signer_signs_as_the_key_itself_does(transaction: dict[str, Any], anvil: str) -> None:
    signed = RemoteSigner(anvil, ACCOUNT.address.lower()).sign_transaction(transaction)
    assert signed == ACCOUNT.sign_transaction(transaction)


def test_a_remote_signer_that_does_not_know_the_account_says_so(anvil: str) -> None:
    stranger = Account.create().address
    with pytest.raises(SignatureRefused, match="the remote signer refused: "):
        RemoteSigner(anvil, stranger).sign_transaction(TRANSACTION | {"from": stranger})


def test_a_remote_signer_that_is_not_there_is_said_without_its_url() -> None:
    with pytest.raises(NodeUnavailable) as caught:
        RemoteSigner("http://user:hidden@127.0.0.1:1", ACCOUNT.address, 1).sign_transaction(TRANSACTION)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", development_account(5).address),
        ("data", "0x1235"),
        ("nonce", 8),
        ("chainId", 1),
        ("value", 6),
        ("gas", 100_001),
        ("maxFeePerGas", 3_000_000_001),
        ("maxPriorityFeePerGas", 999_999_999),
    ],
)
def test_a_remote_signer_that_signs_something_else_is_refused(name: str, value: object, anvil: str) -> None:
    with (
        answering(anvil, raw(TRANSACTION | {name: value})) as signer,
        pytest.raises(SignatureRefused, match=f"its {name} differs"),
    ):
        signer.sign_transaction(TRANSACTION)


def test_a_remote_signer_that_signs_as_somebody_else_is_refused(anvil: str) -> None:
    with (
        answering(anvil, raw(CREATION | {"from": OTHER.address}, OTHER)) as signer,
        pytest.raises(SignatureRefused, match=f"signed as {OTHER.address}, not as {ACCOUNT.address}"),
    ):
        signer.sign_transaction(CREATION)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": 1, "message": "the ledger is locked"}, "the ledger is locked"),
        ({"code": 1}, "no reason given"),
        ("the ledger is locked", "the ledger is locked"),
        (None, "no reason given"),
    ],
)
def test_a_remote_signer_that_refuses_in_any_form_is_told_so(error: object, reason: str, anvil: str) -> None:
    with lying_node(anvil) as node:
        node.raw = [RawAnswer(body=json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode())]
        with pytest.raises(SignatureRefused, match=f"the remote signer refused: {reason}"):
            RemoteSigner(node.url, ACCOUNT.address).sign_transaction(TRANSACTION)


@pytest.mark.parametrize("answer", [None, "", "0x", "0x02ff", "nonsense", 5, {"raw": None}, [], {}])
def test_an_answer_that_is_no_transaction_is_refused(answer: object, anvil: str) -> None:
    with answering(anvil, answer) as signer, pytest.raises(SignatureRefused, match="is no transaction"):
        signer.sign_transaction(TRANSACTION)


def test_an_answer_that_holds_the_transaction_as_raw_is_taken(anvil: str) -> None:
    with answering(anvil, {"raw": raw(TRANSACTION), "tx": {}}) as signer:
        assert signer.sign_transaction(TRANSACTION) == ACCOUNT.sign_transaction(TRANSACTION)


def test_a_keystore_opens_with_its_password(keystore: Path) -> None:
    assert account_from_keystore(keystore, lambda: PASSWORD).address == ACCOUNT.address


@pytest.mark.parametrize("password", ["", PASSWORD + " ", PASSWORD.upper()])
def test_another_password_is_refused_and_not_shown(password: str, keystore: Path) -> None:
    with pytest.raises(SetupError, match="does not open with this password") as caught:
        account_from_keystore(keystore, lambda: password)
    assert not password or password not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("content", ["", "{}", "[]", "5", "nonsense"])
def test_a_file_that_is_no_keystore_is_refused_before_the_password_is_asked(
    content: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(SetupError, match="is not a keystore"):
        account_from_keystore(path, lambda: pytest.fail("nobody is asked"))


def test_a_keystore_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is not a keystore"):
        account_from_keystore(tmp_path / "none.json", lambda: PASSWORD)


@pytest.mark.parametrize("key", ["", "0x", "secret", "0x" + "00" * 32, "0x" + "ff" * 33])
def test_a_key_that_is_none_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SetupError) as caught:
        account_from_key(key, "THE_VARIABLE")
    assert str(caught.value).startswith("THE_VARIABLE does not hold a private key")
    assert caught.value.__suppress_context__


def test_a_key_may_end_in_a_line_break() -> None:
    assert account_from_key("0x" + bytes(ACCOUNT.key).hex() + "\n", "").address == ACCOUNT.address


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key.json"
    # A light one: the strength of its hashing is not what is tried here.
    path.write_text(json.dumps(Account.encrypt(ACCOUNT.key, PASSWORD, kdf="pbkdf2", iterations=10)))
    return path
