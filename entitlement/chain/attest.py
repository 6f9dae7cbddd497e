"""The operator's signature under typed data, and whose a signature is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from entitlement.core.attested import Document, Domain, Types, document
from entitlement.core.errors import InvalidRequest

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_SIGNED = ("types", "primaryType", "domain", "message")


@dataclass(frozen=True, slots=True)
class Attester:
    """Signs for one deployment."""

    account: "LocalAccount"
    domain: Domain

    def sign(self, types: Types, message: Mapping[str, object]) -> Document:
        """Return a signed document of the first of `types`."""
        from eth_account.messages import encode_typed_data  # noqa: PLC0415 - a service without a key needs none

        made = document(self.domain, types, message)
        signature = self.account.sign_message(encode_typed_data(full_message=cast("dict[str, Any]", made)))
        return {**made, "operator": self.account.address, "signature": f"0x{signature.signature.hex()}"}


def signer_of(signed: Mapping[str, object]) -> str:
    """Return who signed a document, with the checksum. Raises InvalidRequest where that cannot be told."""
    from eth_account import Account  # noqa: PLC0415 - likewise
    from eth_account.messages import encode_typed_data  # noqa: PLC0415 - likewise

    try:
        plain = encode_typed_data(full_message={name: signed[name] for name in _SIGNED})
        return str(Account.recover_message(plain, signature=str(signed["signature"])))
    except Exception as error:
        raise InvalidRequest("this is no document with a signature under typed data (EIP-712)") from error
