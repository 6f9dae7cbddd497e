"""The same Anvil and the same deployment, with the pool, its trader and the dollar of the development chain.

Scripts hold no signatures: whoever calls a function that takes a permit names the deadline and the nonce in
their place, and what the owner would have signed for them is signed here. The same two give the same permit.

    CreditSales.topUpWithPermit (account, amount, deadline, nonce) -> (account, amount, deadline, v, r, s)
    DevDollar.permit (owner, spender, value, deadline, nonce) -> (owner, spender, value, deadline, v, r, s)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.abi import collapse_if_tuple

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.order import CONTRACTS
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import Network
from tests.machine.chain import Chain, deployed
from tests.machine.names import ACCOUNTS, Answer, Refusal
from tests.machine_market.names import POOL

_HEX_WORD = 64
_VALUE_OF = {"topUpWithPermit": 1, "subscribeWithPermit": 3}
"""Which argument the permit is for."""
_FIELDS = ("owner:address", "spender:address", "value:uint256", "nonce:uint256", "deadline:uint256")
_PERMIT = {
    "Permit": [dict(zip(("name", "type"), field.split(":"), strict=True)) for field in _FIELDS],
}


class MarketChain(Chain):
    """Knows signed numbers, structs and permits beside what the first machine's chain knows."""

    _address: dict[str, str]

    def __init__(self, chain: Chain) -> None:
        web3, artifacts, known = chain.contracts.web3, chain.artifacts, chain.contracts
        addresses = {name: known.address(name) for name in (*CONTRACTS, "DevDollar", "DevTrader")}
        addresses[POOL] = str(known.view("BuybackBurner", "pool"))
        super().__init__(artifacts, Contracts(web3, artifacts, addresses), chain.devnet, chain._http)
        self._address |= {name: addresses[name] for name in ("DevDollar", "DevTrader", POOL)}
        self._name = {address.lower(): name for name, address in self._address.items()}
        self._chain_id: int = web3.eth.chain_id

    @property
    def is_dollar_first(self) -> bool:
        """Whether USDC is the pool's token0."""
        return int(self._address["DevDollar"], 16) < int(self._address["VVV"], 16)

    def attempt(
        self, who: str, contract: str, function: str, arguments: tuple[Any, ...], at: int
    ) -> Answer | Refusal:
        return super().attempt(who, contract, function, self._in_full(who, contract, function, arguments), at)

    def send(self, who: str, contract: str, function: str, arguments: tuple[Any, ...], at: int) -> None:
        super().send(who, contract, function, self._in_full(who, contract, function, arguments), at)

    # --- from names to words and back -----------------------------------------------------------------------

    def _in_full(self, who: str, contract: str, function: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments with a signature in the place of a nonce."""
        if function == "permit":
            owner, spender, value, deadline, nonce = arguments
            return (*arguments[:-1], *self._signed(owner, spender, value, deadline, nonce))
        if function in _VALUE_OF:
            deadline, nonce = arguments[-2:]
            value = arguments[_VALUE_OF[function]]
            return (*arguments[:-1], *self._signed(who, contract, value, deadline, nonce))
        return arguments

    def _encoded(self, contract: str, function: str, arguments: tuple[Any, ...]) -> str:
        """Bytes are numbers in a script, and none at all are 0."""
        plain = list(arguments)
        for place, type_ in enumerate(self._inputs(contract, function)):
            if type_ == "bytes32":
                plain[place] = arguments[place].to_bytes(32)
            elif type_ == "bytes":
                plain[place] = b""
        return super()._encoded(contract, function, tuple(plain))

    def _decoded(self, contract: str, function: str, result: str) -> Answer:
        words = [result[2:][start : start + _HEX_WORD] for start in range(0, len(result) - 2, _HEX_WORD)]
        return tuple(
            self._word(type_, word)
            for type_, word in zip(self._types(contract, function), words, strict=True)
        )

    def _word(self, type_: str, word: str) -> int | str:
        if type_ == "address":
            return self._named("0x" + word[-40:])
        value = int(word, 16)
        return value - 2**256 if type_.startswith("int") and value >= 2**255 else value

    @lru_cache(maxsize=1_000)  # noqa: B019  there is one chain, and it lives as long as the tests
    def _types(self, contract: str, function: str) -> list[str]:
        """One for each word: our structs hold words only."""
        found = (collapse_if_tuple(each) for each in self._entry(contract, function)["outputs"])
        return [word for type_ in found for word in type_.strip("()").split(",")]

    @lru_cache(maxsize=1_000)  # noqa: B019  likewise
    def _inputs(self, contract: str, function: str) -> list[str]:
        return [each["type"] for each in self._entry(contract, function)["inputs"]]

    def _entry(self, contract: str, function: str) -> dict[str, Any]:
        return next(
            entry
            for entry in self.artifacts[contract].abi
            if entry["type"] == "function" and entry["name"] == function
        )

    def _refusal(self, error: object) -> Refusal:
        """Whoever a signature for another nonce seems to be of is nobody that we know."""
        found = super()._refusal(error)
        if found.name == "ERC2612InvalidSigner":
            return Refusal(found.name, ("somebody", found.arguments[1]))
        return found

    @lru_cache(maxsize=10_000)  # noqa: B019  there is one chain, and it lives as long as the tests
    def _signed(
        self, owner: str, spender: str, value: int, deadline: int, nonce: int
    ) -> tuple[int, int, int]:
        """What `owner` signed: v, r and s."""
        message = encode_typed_data(
            {
                "name": "USD Coin",
                "version": "1",
                "chainId": self._chain_id,
                "verifyingContract": self._address["DevDollar"],
            },
            _PERMIT,
            {
                "owner": self._address[owner],
                "spender": self._address[spender],
                "value": value,
                "nonce": nonce,
                "deadline": deadline,
            },
        )
        signed = Account.sign_message(message, development_account(ACCOUNTS[owner]).key)
        return signed.v, signed.r, signed.s


@contextmanager
def deployed_market(network: Network, artifacts: Artifacts) -> Iterator[MarketChain]:
    """Start an Anvil and deploy there, as the first machine does."""
    with deployed(network, artifacts) as chain:
        yield MarketChain(chain)
