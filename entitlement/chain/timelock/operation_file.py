"""A transaction on its way between a machine that asks the node and one that has the key."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from pydantic import ConfigDict, TypeAdapter, ValidationError
from web3.types import TxParams

from entitlement.chain.deployment.parameters import STRICT, Address, Amount
from entitlement.core.errors import SetupError


@dataclass(frozen=True)
class OperationFile:
    """All that a signature covers, and the signed transaction once there is one. Fees in wei for each gas."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    what: str
    """For the person who signs; the fields below are what is signed."""
    chain_id: int
    sender: Address
    to: Address
    data: str
    value: Amount
    nonce: int
    gas: int
    max_fee: Amount
    max_priority_fee: Amount
    signed: str | None = None
    """`0x` and hex."""

    @classmethod
    def of(cls, transaction: TxParams, what: str) -> "OperationFile":
        """Return the file of a transaction that `transactions.prepare` made."""
        given = cast("dict[str, Any]", transaction)
        return cls(
            what=what,
            chain_id=given["chainId"],
            sender=str(given["from"]),
            to=str(given["to"]),
            data=str(given["data"]),
            value=int(given["value"]),
            nonce=int(given["nonce"]),
            gas=int(given["gas"]),
            max_fee=int(given["maxFeePerGas"]),
            max_priority_fee=int(given["maxPriorityFeePerGas"]),
        )

    def fields(self) -> dict[str, Any]:
        """Return the transaction as a signer takes it."""
        return {
            "from": self.sender,
            "chainId": self.chain_id,
            "to": self.to,
            "data": self.data,
            "value": self.value,
            "nonce": self.nonce,
            "gas": self.gas,
            "maxFeePerGas": self.max_fee,
            "maxPriorityFeePerGas": self.max_priority_fee,
        }

    def signed_as(self, raw: bytes) -> "OperationFile":
        """Return it with its signature."""
        return replace(self, signed=HexBytes(raw).to_0x_hex())

    def explain(self) -> str:
        """Return what is to be signed, for a person."""
        return "\n".join(
            (
                self.what,
                f"  chain   {self.chain_id}",
                f"  from    {self.sender}, nonce {self.nonce}",
                f"  to      {self.to}",
                f"  data    {self.data}",
                f"  value   {self.value} wei",
                f"  fee     at most {self.gas * self.max_fee} wei: {self.gas} gas at {self.max_fee}",
            )
        )


_FORM = TypeAdapter(OperationFile)


def read_file(path: Path) -> OperationFile:
    """Return what a file holds; raises `SetupError` where it is none, or its signature is of another."""
    try:
        found = _FORM.validate_json(path.read_bytes())
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}.", remedy="Name another file.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SetupError(
            f"{path} is no prepared transaction: {where}: {first['msg']}.", remedy="Prepare it again."
        ) from None
    if found.signed is not None and not _is_its_own(found):
        raise SetupError(
            f"What {path} has as signed is another transaction than it says.", remedy="Prepare it again."
        )
    return found


def write_file(file: OperationFile, path: Path) -> None:
    """Write it, whole; what was there is replaced."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(_FORM.dump_python(file, mode="json"), indent=2) + "\n")
    draft.replace(path)


def _is_its_own(file: OperationFile) -> bool:
    try:
        raw = HexBytes(str(file.signed))
        signer = Account.recover_transaction(raw)
        told = TypedTransaction.from_bytes(raw).as_dict()
        wanted = {name: value for name, value in file.fields().items() if name != "from"}
        return signer == file.sender and all(
            _plain(told.get(name)) == _plain(value) for name, value in wanted.items()
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not what the file says
        return False


def _plain(value: object) -> object:
    return bytes(HexBytes(value)) if isinstance(value, str | bytes) else value
