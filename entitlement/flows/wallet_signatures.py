"""Check that a wallet signed a text by `personal_sign` (EIP-191): by its key, or as a contract that says so.

65 bytes by the wallet's key            yes, and nobody is asked
anything else in hex, not too long      the chain is asked, if what came with it was checked and there is one
"""

import re
from collections.abc import Callable
from typing import Protocol

import structlog
from eth_utils.crypto import keccak

from entitlement.chain.contract_wallets import signature_bytes
from entitlement.core.errors import InconsistentNode, NodeUnavailable, SetupError, SignInRefused
from entitlement.core.units import Wallet, wallet

log = structlog.get_logger()

_SIGNATURE = re.compile(r"(0[xX])?[0-9a-fA-F]{130}")
NOT_ASKED = (NodeUnavailable, InconsistentNode, SetupError)


class AsksContracts(Protocol):
    """Who can ask a wallet that is a contract."""

    def accepts(self, wallet: Wallet, digest: bytes, signature: bytes) -> bool:
        """Return whether it accepts a signature of a digest. Raises RateLimited and `NOT_ASKED`."""
        ...


class WalletSignatures:
    """Says who signed what."""

    def __init__(self, contracts: AsksContracts | None = None) -> None:
        """Take who asks contracts; without, no wallet is one."""
        self._contracts = contracts

    def check(self, owner: Wallet, text: str, signature: str, before_asking: Callable[[], None]) -> None:
        """Return if `owner` signed `text`. Raises SignInRefused, RateLimited and what `before_asking` does.

        `before_asking` checks what makes the chain worth asking, a nonce above all: anybody may come here.
        """
        try:
            signer = recover(text, signature)
        except SignInRefused as error:
            refusal = error
        else:
            if signer == owner:
                return
            refusal = SignInRefused(
                kind="wrong_signer", reason=f"the message names {owner}, but {signer} signed it"
            )
        given = signature_bytes(signature)
        if self._contracts is None or given is None:
            raise refusal
        before_asking()
        try:
            if self._contracts.accepts(owner, _digest(text), given):
                return
        except NOT_ASKED as error:
            # Refused as where there is no chain: it is no yes, and the nonce is still good for another try.
            log.warning("contract_wallet_not_asked", reason=type(error).__name__)
            raise SignInRefused(
                kind=refusal.kind,
                reason=f"{refusal}; whether {owner} is a contract that accepts it could not be asked of the "
                "chain at the moment: if it is one, try again",
            ) from error
        raise refusal


def recover(text: str, signature: str) -> Wallet:
    """Return the wallet that signed `text` by `personal_sign` (EIP-191). Raises SignInRefused."""
    # They take long to load: the first who signs in waits for it, and not every gateway after a restart.
    from eth_account import Account  # noqa: PLC0415 - for the reason above
    from eth_account.messages import encode_defunct  # noqa: PLC0415 - likewise
    from eth_keys.exceptions import BadSignature  # noqa: PLC0415 - likewise
    from eth_utils.exceptions import ValidationError as EthereumValidationError  # noqa: PLC0415 - likewise

    try:
        if not _SIGNATURE.fullmatch(signature):
            raise ValueError("not 65 bytes")  # noqa: TRY301 - one refusal for all
        return wallet(Account.recover_message(encode_defunct(text=text), signature=signature))
    except (ValueError, EthereumValidationError, BadSignature) as error:
        raise SignInRefused(
            kind="malformed_signature",
            reason="the signature is not 65 bytes of a secp256k1 signature in hex, nor one of a contract",
        ) from error


def _digest(text: str) -> bytes:
    """Return what `personal_sign` signs, as contracts are given it."""
    from eth_account.messages import encode_defunct  # noqa: PLC0415 - likewise

    signable = encode_defunct(text=text)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)
