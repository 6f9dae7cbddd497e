"""Blocks and logs of a live deployment, and what is found by searching them: wallets, stakes, midnights."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from entitlement.chain.artifacts import Abi
from entitlement.chain.client import RpcLogReader
from entitlement.chain.decode import topic_of
from entitlement.chain.live.decode import DiemStakeSaid, LiveDecoder, LiveLog
from entitlement.chain.live.profile import DIEM, STAKED_VVV, VVV, LiveProfile
from entitlement.chain.live.views import LiveViews, Question
from entitlement.chain.rpc import RpcLimits
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at, starts_at
from entitlement.core.errors import DeploymentMismatch, InconsistentNode
from entitlement.core.live import Day
from entitlement.core.units import Wallet, Wei

Place = tuple[Header, Wallet]

_HALVINGS_MAX = 64


class LiveLogReader(RpcLogReader[LiveLog]):
    """Reads one live deployment. Thread-safe.

    The first question raises `DeploymentMismatch` when the contracts do not name each other as they should.
    """

    def __init__(self, rpc_url: str, profile: LiveProfile, limits: RpcLimits | None = None) -> None:
        self._live = LiveDecoder(profile)
        super().__init__(rpc_url, profile.network, self._live, start_block=profile.start_block, limits=limits)
        self._profile = profile
        self.views = LiveViews(self._rpc, profile)

    def wallets_named(self, first: int, last: int) -> set[Wallet]:
        """Return every wallet that a log of blocks `first..last` touches."""
        decoded = (self._decoder.decode(log) for log in self._range(first, last))
        touched = (self._live.touched(log) for log in decoded if log is not None)
        return {found[0] for found in touched if found is not None}

    def diem_stakes(self, first: int, last: int, wallets: Iterable[Wallet] = ()) -> Iterator[DiemStakeSaid]:
        """Yield the stakes of DIEM in blocks `first..last`, of all wallets or of these."""
        abi: Abi = self._profile.artifacts[DIEM].abi
        (staked,) = (
            topic_of(entry) for entry in abi if entry["type"] == "event" and entry["name"] == "Staked"
        )
        of_users = [["0x" + wallet[2:].rjust(64, "0") for wallet in wallets]] if wallets else []
        only = {"address": self._profile.addresses[DIEM], "topics": [staked, *of_users]}
        for log in self._range(first, last, only):
            said = self._decoder.decode(log)
            if not isinstance(said, DiemStakeSaid) or not first <= said.at.block_number <= last:
                raise InconsistentNode(f"asked for stakes of DIEM in {first}..{last}, got {str(said)[:200]}")
            yield said

    def days(self, places: Iterable[Place]) -> dict[Place, Day]:
        """Return for each wallet, up to the end of each block, what its right of that day follows from.

        On the day of the first block that is followed, the day is taken to begin with that block.
        """
        headers_of: defaultdict[int, list[Place]] = defaultdict(list)
        for place in dict.fromkeys(places):
            headers_of[epoch_at(place[0].timestamp)].append(place)
        found: dict[Place, Day] = {}
        for of_epoch in headers_of.values():
            found |= self._days_of_one(of_epoch)
        return found

    def _days_of_one(self, places: list[Place]) -> dict[Place, Day]:
        last = max((header for header, _ in places), key=lambda header: header.number)
        before = self._block_before_the_day_of(last)
        wallets = {wallet for _, wallet in places}
        staked = self.views.staked((before.hash, wallet) for wallet in wallets)
        stakes = list(self.diem_stakes(before.number + 1, last.number, sorted(wallets)))
        return {
            (header, wallet): Day(
                epoch=epoch_at(header.timestamp),
                staked_before=staked[before.hash, wallet],
                staked_since=Wei(
                    sum(
                        said.amount
                        for said in stakes
                        if said.user == wallet and said.at.block_number <= header.number
                    )
                ),
            )
            for header, wallet in places
        }

    def _block_before_the_day_of(self, header: Header) -> Header:
        """Return the last block of the day before, or the first block that is followed if that is later."""
        midnight = starts_at(epoch_at(header.timestamp))
        low = self._block(self._start_block)
        if low.timestamp >= midnight:
            return low
        high = header
        # `low` is before midnight and `high` is not. Where blocks are as regular as they should be, the first
        # two guesses find it; the middle bounds the search where they are not.
        for turn in range(_HALVINGS_MAX):
            if high.number == low.number + 1:
                return low
            guess = high.number - max((high.timestamp - midnight) // self._network.block_seconds, 1)
            if turn > 1 or not low.number < guess < high.number:
                guess = (low.number + high.number) // 2
            found = self._block(guess)
            if found.timestamp < midnight:
                low = found
            else:
                high = found
        raise InconsistentNode(f"no block before {header.number} ends a day: times do not rise")

    def _check_start(self) -> None:
        head, addresses = self._tagged("latest").hash, self._profile.addresses
        partners = {(VVV, "owner"): addresses[STAKED_VVV], (STAKED_VVV, "diem"): addresses[DIEM]}
        answered = self.views.ask([Question(head, *which) for which in partners])
        for ((contract, field), expected), (found,) in zip(partners.items(), answered, strict=True):
            if found != expected:
                raise DeploymentMismatch(contract=contract, field=field, expected=expected, found=found)
