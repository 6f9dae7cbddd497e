"""Ask the chain whether a contract wallet accepts a signature: ERC-1271, and ERC-6492 before it is there.

    the signature                           what is asked, by one eth_call at the newest block
    of any form the wallet chose            isValidSignature(digest, signature) of the wallet
    (factory, call, inner), with the        the same with the inner one; if that is a no, the factory is
    ending that ERC-6492 names              called, which makes the wallet or makes it ready, and then again

Who asks names the addresses that are called, so the call has bounds: its gas, its time, and how many are
asked at once and in a minute. Nothing of it outlives the call.
"""

import re
import time
from collections.abc import Callable
from threading import BoundedSemaphore, Lock

from entitlement.chain.abi import Undecodable, decode, encode
from entitlement.chain.refusals import RefusedByNode, Throttled
from entitlement.chain.rpc import Rpc, RpcLimits
from entitlement.core.errors import InconsistentNode, RateLimited
from entitlement.core.rates import MICROS, Rate, count_request
from entitlement.core.units import Wallet

LONGEST_SIGNATURE = 8 * 1024
"""Bytes. A passkey's has about a thousand, one with a factory's call and many owners a few thousand."""
GAS_MAX = 5_000_000
"""Making a wallet and checking a passkey in Solidity take less than one million together."""
ASKED_AT_ONCE_MAX = 4
"""Each holds a thread that other routes need too."""
RATE = Rate(requests=120, seconds=60)
"""Of all together: anybody may ask."""
LIMITS = RpcLimits(connect_seconds=2.0, answer_seconds=3.0, tries=1)
"""A person waits; who gets no answer signs in again."""

_HEX = re.compile(rf"(0[xX])?([0-9a-fA-F]{{2}}){{1,{LONGEST_SIGNATURE}}}")
_ENDING = bytes.fromhex("6492" * 16)
_ARGUMENTS = ("address", "bytes32", "bytes", "address", "bytes")
_NOBODY = "0x" + "0" * 40
_YES, _NO = "0x01", "0x00"
_ALL = "sign-ins of contract wallets together"


def signature_bytes(signature: str) -> bytes | None:
    """Return a signature in hex as bytes, or None where it is none or longer than `LONGEST_SIGNATURE`."""
    if not _HEX.fullmatch(signature):
        return None
    return bytes.fromhex(signature.removeprefix("0x").removeprefix("0X"))


class ContractWallets:
    """Asks one node, or several that stand in for each other. Thread-safe."""

    def __init__(
        self,
        open_rpc: Callable[[], Rpc],
        creation_code: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
        rate: Rate = RATE,
    ) -> None:
        """Take how the node is reached and SignatureCheck's creation code, both for when somebody asks."""
        self._rate = rate
        self._open_rpc, self._creation_code, self._clock = open_rpc, creation_code, clock
        self._lock = Lock()
        self._places = BoundedSemaphore(ASKED_AT_ONCE_MAX)
        self._rate_until = 0

    def accepts(self, wallet: Wallet, digest: bytes, signature: bytes) -> bool:
        """Return whether the contract at `wallet` accepts `signature` for the 32 bytes `digest`.

        Raises `RateLimited` where too many are asked, `NodeUnavailable` and `InconsistentNode`.
        """
        asked = _question(wallet, digest, signature)
        if asked is None:
            return False
        self._take_turn()
        if not self._places.acquire(timeout=LIMITS.answer_seconds):
            raise RateLimited(
                of=_ALL, requests=self._rate.requests, seconds=self._rate.seconds, retry_after=1
            )
        try:
            call = {"data": self._creation_code() + asked.hex(), "gas": hex(GAS_MAX)}
            # A connection for each: they are few, and whoever starts this need not close it.
            with self._open_rpc() as rpc:
                answer = rpc.call("eth_call", call, "latest", patient=False)
        except Throttled:
            raise
        except RefusedByNode:
            # The call itself came to no end: it reverts only where its gas was burned.
            return False
        finally:
            self._places.release()
        if answer not in {_YES, _NO}:
            raise InconsistentNode(f"a question with two answers was answered {str(answer)[:20]!r}")
        return answer == _YES

    def _take_turn(self) -> None:
        with self._lock:
            self._rate_until = count_request(
                self._rate, self._rate_until, int(self._clock() * MICROS), of=_ALL
            )


def _question(wallet: Wallet, digest: bytes, signature: bytes) -> bytes | None:
    """Return the arguments of SignatureCheck; None where what ends as ERC-6492 says is not built so."""
    factory, preparation = _NOBODY, b""
    if signature.endswith(_ENDING):
        try:
            factory, preparation, signature = decode(
                ["address", "bytes", "bytes"], signature[: -len(_ENDING)]
            )
        except Undecodable:
            return None
    return encode(_ARGUMENTS, (wallet, digest, signature, factory, preparation))
