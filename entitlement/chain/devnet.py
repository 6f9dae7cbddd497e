"""What only a development chain allows: moving time, undoing blocks, giving coins away.

After `reorg` and `revert` Anvil's clock runs on from the block that the chain was taken back to: time that
had been jumped over has to be jumped over again.
"""

from collections.abc import Sequence
from functools import lru_cache

from eth_account import Account
from eth_account.signers.local import LocalAccount

from entitlement.chain import answers
from entitlement.chain.networks import Network
from entitlement.chain.rpc import HASHES_ONLY, JsonRpc
from entitlement.core.blocks import Header
from entitlement.core.errors import InvalidRequest, NotADevnet, WrongChain
from entitlement.core.units import Wallet, Wei

MNEMONIC = "test test test test test test test test test test test junk"
"""The one that every development node uses: its accounts hold coins there, and nothing anywhere else."""

ACCOUNTS = 10
"""How many of them Anvil gives coins."""

REORG_DEPTH_MAX = 256


@lru_cache(maxsize=ACCOUNTS)
def development_account(number: int) -> LocalAccount:
    """Return the account with this number, 0 to 9, with its well-known private key."""
    assert 0 <= number < ACCOUNTS
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")


class Devnet:
    """The controls of one development chain."""

    def __init__(self, rpc: JsonRpc, network: Network) -> None:
        """Take the controls; raises `NotADevnet`, or `WrongChain` for a node of another network."""
        if not network.is_devnet:
            raise NotADevnet(what="moving time and undoing blocks", network=network.name)
        found = answers.quantity({"chain id": rpc.call("eth_chainId")}, "chain id")
        if found != network.chain_id:
            raise WrongChain(expected=network.chain_id, found=found)
        self._rpc = rpc

    def head(self) -> Header:
        """Return the newest block."""
        return answers.header(self._rpc.call("eth_getBlockByNumber", "latest", HASHES_ONLY))

    def mine(self, blocks: int = 1) -> Header:
        """Mine so many blocks and return the last of them."""
        assert blocks > 0
        self._rpc.call("anvil_mine", hex(blocks))
        return self.head()

    def jump_to(self, timestamp: int) -> Header:
        """Mine a block at this Unix time, from which the clock runs on; raises `InvalidRequest` backwards.

        The jump outlives a restart, as the block does: see `AnvilProcess`.
        """
        newest = self.head()
        if timestamp < newest.timestamp:
            # Anvil would do it, and no contract could make sense of the time after.
            raise InvalidRequest(
                f"the chain is at {newest.timestamp}, {timestamp} is behind it", field="timestamp"
            )
        self._rpc.call("evm_setNextBlockTimestamp", timestamp)
        return self.mine()

    def set_next_timestamp(self, timestamp: int) -> None:
        """Let the next block, whoever mines it, have exactly this Unix time."""
        self._rpc.call("evm_setNextBlockTimestamp", timestamp)

    def reorg(self, depth: int, raw_transactions: Sequence[tuple[str, int]] = ()) -> Header:
        """Replace the newest `depth` blocks by as many new ones and return the new head.

        The new blocks are empty but for `raw_transactions`: signed transactions in hex, each with the number
        of the new block, from 0, that it stands in. Transactions of the old blocks are gone, not pending. All
        new blocks have the time of the block below them.
        """
        assert 0 < depth <= REORG_DEPTH_MAX
        self._rpc.call("anvil_reorg", depth, [list(pair) for pair in raw_transactions])
        return self.head()

    def snapshot(self) -> str:
        """Remember the chain as it is; `revert` takes the answer, once."""
        return str(self._rpc.call("evm_snapshot"))

    def revert(self, snapshot: str) -> Header:
        """Take the chain back to a snapshot and return its head."""
        if self._rpc.call("evm_revert", snapshot) is not True:
            raise InvalidRequest(f"there is no snapshot {snapshot!r}, or it was used", field="snapshot")
        return self.head()

    def set_balance(self, wallet: Wallet, amount: Wei) -> None:
        """Give a wallet exactly so many wei of the chain's own coin."""
        self._rpc.call("anvil_setBalance", wallet, hex(amount))
