"""A wallet that acts on the chain: the calls of the product's story, each approved, sent and waited for."""

from eth_account.signers.local import LocalAccount

from entitlement.chain.contracts import Contracts
from entitlement.chain.transactions import transact
from entitlement.chain.views import WalletView, wallet_view
from entitlement.core.blocks import Header
from entitlement.core.units import Wei, wallet


class Actor:
    """One wallet with its private key, on one deployment."""

    def __init__(self, contracts: Contracts, account: LocalAccount) -> None:
        self._contracts = contracts
        self.account = account
        self.wallet = wallet(account.address)

    def give_vvv(self, to: "Actor", amount: Wei) -> None:
        """Transfer VVV."""
        self._do("VVV", "transfer", to.account.address, amount)

    def stake_vvv(self, amount: Wei) -> None:
        """Stake VVV for itself."""
        self._do("VVV", "approve", self._contracts.address("StakedVVV"), amount)
        self._do("StakedVVV", "stake", self.account.address, amount)

    def quote_diem(self, amount: Wei) -> Wei:
        """Return the VVV that minting `amount` DIEM locks at this moment."""
        return Wei(self._contracts.view("DiemMint", "quoteLock", amount))

    def mint_diem(self, amount: Wei, most_locked: Wei) -> None:
        """Mint exactly `amount` DIEM, locking at most `most_locked` staked VVV."""
        self._do("DiemMint", "mintExactOut", amount, most_locked)

    def stake_diem(self, amount: Wei) -> None:
        """Stake DIEM for itself: from now on, a dollar of credit a day for each."""
        self._do("DIEM", "approve", self._contracts.address("InferenceStake"), amount)
        self._do("InferenceStake", "stake", self.account.address, amount)

    def view(self, block: Header) -> WalletView:
        """Return what the contracts say about this wallet at a block."""
        return wallet_view(self._contracts, self.wallet, block)

    def _do(self, contract: str, function: str, *arguments: object) -> None:
        transact(self._contracts, self.account, contract, function, *arguments)
