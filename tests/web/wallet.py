"""The wallet of a test: keys, consent and signatures in Python, behind the provider of `wallet.js`.

    page --request--> wallet.js --binding--> Wallet.answer --> the person's switches, a signature, Anvil

It does as the common wallets do: it fills in nonce, fees and gas, lets a transaction be sent whose simulation
fails, signs typed data only for the chain it is on, and remembers to whom it is connected over a reload.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext
from web3 import Web3

from tests.web.node import Node, Refusal

CHAIN = 31337
ELSEWHERE = 1
"""A chain that the product is not on."""

REJECTED = Refusal(4001, "User rejected the request.")
UNAUTHORIZED = Refusal(4100, "The page is not connected to this account.")
UNSUPPORTED = 4200
NO_SUCH_CHAIN = 4902
INTERNAL = -32603
GAS_WHERE_IT_FAILS = 1_500_000
"""What is sent along where the simulation fails and the person goes on all the same."""
TIP = 10**9


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the page, and what it was told."""

    method: str
    params: Any
    answer: dict[str, Any]


@dataclass
class Wallet:
    """One wallet in one browser. Everything that a person may decide is a field or a method."""

    node: Node
    account: LocalAccount
    chain_id: int = CHAIN
    may_switch: bool = True
    """Whether the person agrees when the page asks to change the chain."""
    knows_chain: bool = True
    """Whether the wallet has heard of our chain before the page adds it."""
    is_connected: bool = False
    before_sending: Callable[[], None] | None = None
    """What happens in the world between the signature of the next transaction and its arrival."""
    asked: list[Asked] = field(default_factory=list[Asked])
    sent: list[str] = field(default_factory=list[str])
    """Hashes of the transactions that went out, oldest first."""
    ids: dict[str, str] | None = None
    """As a contract's wallet has them: with a dictionary, what is sent is answered with an id of the wallet's
    own, which is none of the chain's; here is what each became."""
    loses_answer: str = ""
    """The method that is carried out when it is asked next, and answered with an internal error."""
    _rejected: list[str | None] = field(default_factory=list[str | None])
    _holding: frozenset[str] = frozenset()
    _held: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])
    _context: BrowserContext | None = None

    # --- what a person does --------------------------------------------------------------------------

    def reject_next(self, method: str | None = None) -> None:
        """Say no to the next request that needs consent, or to the next of this method."""
        self._rejected.append(method)

    def hold(self, *methods: str) -> None:
        """Leave what needs consent, or these methods alone, unanswered: the wallet's window stays open."""
        self._holding = frozenset(methods) or _CONSENT

    @property
    def is_waiting(self) -> bool:
        """Whether the page has asked for something that is held."""
        return any(not each.done() for each in self._held)

    def release(self) -> None:
        """Answer what was held."""
        held = [each for each in self._held if not each.done()]
        self._holding = frozenset()
        self._held.clear()
        assert held, "the page has asked for nothing that is held"
        for each in held:
            each.set_result(None)

    def switch_to(self, chain_id: int) -> None:
        """Change the chain in the wallet itself."""
        self.chain_id = chain_id
        self._emit("chainChanged", hex(chain_id))

    def use(self, account: LocalAccount) -> None:
        """Change the account in the wallet itself."""
        self.account = account
        if self.is_connected:
            self._emit("accountsChanged", [account.address])

    def disconnect(self) -> None:
        """End the connection in the wallet itself."""
        self.is_connected = False
        self._emit("accountsChanged", [])

    def speed_up(self, sent: str) -> str:
        """Send the same transaction again for twice the fee, and return its hash; it is not mined yet."""
        return self._replace(sent, {})

    def cancel(self, sent: str) -> str:
        """Send nothing to oneself in the place of a transaction, and return the hash; it is not mined yet."""
        return self._replace(sent, {"to": self.account.address, "data": "0x", "value": 0, "gas": 21_000})

    def requests(self, method: str) -> list[Asked]:
        """Return what the page has asked by this method."""
        return [each for each in self.asked if each.method == method]

    # --- the provider's side -------------------------------------------------------------------------

    def install(self, context: BrowserContext, script: str) -> None:
        """Put this wallet into every page of a browser's context."""
        self._context = context
        context.expose_binding("testWalletRequest", lambda _source, request: self._answer(request))
        context.add_init_script(script)

    def _answer(self, request: dict[str, Any]) -> object:
        method, params = str(request["method"]), request["params"]
        if method in self._holding:
            return self._answer_later(method, params)
        return self._answer_now(method, params)

    async def _answer_later(self, method: str, params: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.append(held)
        await held
        return self._answer_now(method, params)

    def _answer_now(self, method: str, params: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        try:
            if method in _CONSENT:
                self._consent(method)
            handler = _OWN.get(method)
            result = handler(self, params) if handler is not None else self._read(method, params)
            if method == self.loses_answer:
                self.loses_answer = ""
                raise Refusal(INTERNAL, "Internal error")  # noqa: TRY301 - as any other refusal
            answer: dict[str, Any] = {"result": result}
        except Refusal as refusal:
            answer = {"error": refusal.error()}
        self.asked.append(Asked(method, params, answer))
        return answer

    def _consent(self, method: str) -> None:
        if self._rejected and self._rejected[0] in {None, method}:
            self._rejected.pop(0)
            raise REJECTED

    def _read(self, method: str, params: Any) -> object:  # noqa: ANN401 - JSON
        if not method.startswith(("eth_", "net_", "web3_")):
            raise Refusal(UNSUPPORTED, f"The wallet does not know {method}.")
        if self.chain_id != CHAIN:
            raise Refusal(4901, f"The wallet is connected to chain {self.chain_id}, which has no node here.")
        return self.node.ask(method, params)

    def _accounts(self, _params: object) -> list[str]:
        return [self.account.address] if self.is_connected else []

    def _connect(self, params: object) -> list[str]:
        self.is_connected = True
        return self._accounts(params)

    def _request_permissions(self, params: object) -> list[dict[str, Any]]:
        self._connect(params)
        return self._permissions(params)

    def _permissions(self, params: object) -> list[dict[str, Any]]:
        caveat = {"type": "restrictReturnedAccounts", "value": self._accounts(params)}
        granted = {"invoker": "test", "parentCapability": "eth_accounts", "caveats": [caveat]}
        return [granted] if self.is_connected else []

    def _revoke(self, _params: object) -> None:
        self.is_connected = False

    def _chain(self, _params: object) -> str:
        return hex(self.chain_id)

    def _switch(self, params: list[dict[str, str]]) -> None:
        wanted = int(params[0]["chainId"], 16)
        if wanted == CHAIN and not self.knows_chain:
            raise Refusal(NO_SUCH_CHAIN, f"The wallet does not know chain {wanted}: add it first.")
        if not self.may_switch:
            raise REJECTED
        if wanted != self.chain_id:
            self.switch_to(wanted)

    def _add_chain(self, params: list[dict[str, Any]]) -> None:
        if not self.may_switch:
            raise REJECTED
        if int(params[0]["chainId"], 16) == CHAIN:
            self.knows_chain = True
        self._switch(params)

    def _personal_sign(self, params: list[str]) -> str:
        message, address = params[:2]
        self._check_mine(address)
        known = message.startswith("0x")
        signable = encode_defunct(hexstr=message) if known else encode_defunct(text=message)
        return self.account.sign_message(signable).signature.to_0x_hex()

    def _sign_typed(self, params: list[Any]) -> str:
        self._check_mine(params[0])
        document = json.loads(params[1]) if isinstance(params[1], str) else params[1]
        chain = int(str(document["domain"].get("chainId", self.chain_id)), 0)
        if chain != self.chain_id:
            raise Refusal(-32602, f"The message is for chain {chain}, the wallet is on {self.chain_id}.")
        return self.account.sign_typed_data(full_message=document).signature.to_0x_hex()

    def _send(self, params: list[dict[str, str]]) -> str:
        call = params[0]
        self._check_mine(call["from"])
        if self.chain_id != CHAIN or int(call.get("chainId", hex(CHAIN)), 16) != CHAIN:
            raise Refusal(-32602, f"The transaction is not for the wallet's chain {self.chain_id}.")
        gas = int(call["gas"], 16) if "gas" in call else self._gas(call)
        before, self.before_sending = self.before_sending, None
        if before is not None:
            before()
        value = int(call.get("value", "0x0"), 16)
        to, data = Web3.to_checksum_address(call["to"]), call.get("data", call.get("input", "0x"))
        newest = cast("dict[str, str]", self.node.ask("eth_getBlockByNumber", ["latest", False]))
        nonce = int(str(self.node.ask("eth_getTransactionCount", [self.account.address, "pending"])), 16)
        fees = {"maxPriorityFeePerGas": TIP, "maxFeePerGas": 2 * int(newest["baseFeePerGas"], 16) + TIP}
        what = {
            "to": to,
            "data": data,
            "value": value,
            "gas": gas,
            "nonce": nonce,
            "chainId": CHAIN,
            "type": 2,
        }
        sent = self._deliver(what | fees)
        if self.ids is None:
            return sent
        own = Web3.keccak(text=f"the wallet's own {sent}").to_0x_hex()
        self.ids[own] = sent
        return own

    def _calls_status(self, params: list[str]) -> dict[str, Any]:
        if self.ids is None or params[0] not in self.ids:
            raise Refusal(UNSUPPORTED, "The wallet has no calls.")
        receipt = self.node.ask("eth_getTransactionReceipt", [self.ids[params[0]]])
        told: dict[str, Any] = {"version": "2.0.0", "id": params[0], "atomic": True}
        return told | ({"status": 100} if receipt is None else {"status": 200, "receipts": [receipt]})

    def _gas(self, call: dict[str, str]) -> int:
        estimate = {key: call[key] for key in ("from", "to", "data", "value") if key in call}
        try:
            return int(str(self.node.ask("eth_estimateGas", [estimate])), 16) * 3 // 2
        except Refusal:
            return GAS_WHERE_IT_FAILS

    def _deliver(self, transaction: dict[str, Any]) -> str:
        raw = self.account.sign_transaction(transaction).raw_transaction.to_0x_hex()
        sent = str(self.node.ask("eth_sendRawTransaction", [raw]))
        self.sent.append(sent)
        return sent

    def _replace(self, sent: str, changes: dict[str, Any]) -> str:
        found = cast("dict[str, str]", self.node.ask("eth_getTransactionByHash", [sent]))
        again: dict[str, Any] = {
            "to": Web3.to_checksum_address(found["to"]),
            "data": found["input"],
            "value": int(found["value"], 16),
            "gas": int(found["gas"], 16),
            "nonce": int(found["nonce"], 16),
            "maxPriorityFeePerGas": 2 * int(found["maxPriorityFeePerGas"], 16),
            "maxFeePerGas": 2 * int(found["maxFeePerGas"], 16),
            "chainId": CHAIN,
            "type": 2,
        }
        return self._deliver(again | changes)

    def _check_mine(self, address: str) -> None:
        if not self.is_connected or address.lower() != self.account.address.lower():
            raise UNAUTHORIZED

    def _emit(self, event: str, value: object) -> None:
        assert self._context is not None, "no browser has this wallet"
        for page in self._context.pages:
            page.evaluate("([event, value]) => window.testWalletEmit?.(event, value)", [event, value])


_OWN: dict[str, Callable[[Wallet, Any], object]] = {
    "eth_accounts": Wallet._accounts,
    "eth_requestAccounts": Wallet._connect,
    "wallet_requestPermissions": Wallet._request_permissions,
    "wallet_getPermissions": Wallet._permissions,
    "wallet_revokePermissions": Wallet._revoke,
    "eth_chainId": Wallet._chain,
    "wallet_switchEthereumChain": Wallet._switch,
    "wallet_addEthereumChain": Wallet._add_chain,
    "personal_sign": Wallet._personal_sign,
    "eth_signTypedData_v4": Wallet._sign_typed,
    "eth_sendTransaction": Wallet._send,
    "wallet_getCallsStatus": Wallet._calls_status,
}
_CONSENT = frozenset(_OWN) - {
    "eth_accounts", "eth_chainId", "wallet_getPermissions", "wallet_revokePermissions",
    "wallet_getCallsStatus",
}  # fmt: skip
