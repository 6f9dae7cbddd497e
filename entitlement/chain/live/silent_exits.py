"""Exits of DIEM, which write no log: found by asking, to the block.

All staked DIEM together falls only by an exit and rises only by a stake, of which there is a log:

    total before + logged stakes - total after  = 0   nobody asked for an exit: that took two questions
                                                > 0   somebody did: every staker is asked at both ends

What a staker has, less what its logs added since, never rises; so where it differs between two blocks,
halving finds each block in which it fell, however often it did.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from entitlement.chain.live.profile import DIEM
from entitlement.chain.live.views import LiveViews
from entitlement.core.errors import InconsistentNode
from entitlement.core.units import Wallet

Stakes = Mapping[Wallet, Mapping[int, int]]
"""Wei that logs say a wallet staked, by wallet and block number."""


def silent_exits(
    views: LiveViews,
    blocks: Sequence[tuple[int, str]],
    stakes: Stakes,
    stakers: Callable[[], Iterable[Wallet]],
) -> set[tuple[int, Wallet]]:
    """Return (block number, wallet) wherever staked DIEM was asked for.

    `blocks` are number and hash, without a gap, of the blocks to search and, first, of the one before them;
    `stakes` are the logged ones in them; `stakers` gives everyone who may have had a stake, and is called
    only if it is needed. Raises `InconsistentNode` where the stake fell of somebody who is not among them.
    """
    before, after = (views.number(blocks[end][1], DIEM, "totalStaked") for end in (0, -1))
    logged = sum(sum(of_wallet.values()) for of_wallet in stakes.values())
    left = before + logged - after
    if left == 0:
        return set()
    search = _Search(views, blocks, stakes)
    intervals = search.whole(sorted(stakers()))
    accounted = sum(interval.fallen for interval in intervals)
    if accounted != left:
        raise InconsistentNode(
            f"{left} wei of DIEM were asked for in blocks {blocks[1][0]}..{blocks[-1][0]}, "
            f"but the stake of the wallets that are known fell by {accounted}"
        )
    return search.blocks_in(intervals)


class _Interval:
    """A wallet's stake fell after block `low` and up to block `high`, which are places in `blocks`."""

    def __init__(self, wallet: Wallet, low: int, high: int, levels: tuple[int, int]) -> None:
        self.wallet, self.low, self.high, self.levels = wallet, low, high, levels
        if self.fallen < 0:
            raise InconsistentNode(f"the staked DIEM of {wallet} grew by {-self.fallen} wei without a log")

    @property
    def fallen(self) -> int:
        return self.levels[0] - self.levels[1]


class _Search:
    def __init__(self, views: LiveViews, blocks: Sequence[tuple[int, str]], stakes: Stakes) -> None:
        self._views, self._blocks, self._stakes = views, blocks, stakes

    def whole(self, wallets: Sequence[Wallet]) -> list[_Interval]:
        """Return an interval over all blocks for each wallet whose stake fell."""
        end = len(self._blocks) - 1
        lows = self._levels([(wallet, 0) for wallet in wallets])
        # Who had nothing and staked nothing cannot have asked for anything.
        able = [wallet for wallet in wallets if lows[wallet, 0] or wallet in self._stakes]
        highs = self._levels([(wallet, end) for wallet in able])
        found = [_Interval(wallet, 0, end, (lows[wallet, 0], highs[wallet, end])) for wallet in able]
        return [interval for interval in found if interval.fallen]

    def blocks_in(self, intervals: list[_Interval]) -> set[tuple[int, Wallet]]:
        """Return each block in which a stake fell; one batch of questions for each halving."""
        found: set[tuple[int, Wallet]] = set()
        while intervals:
            found |= {(self._blocks[each.high][0], each.wallet) for each in intervals if _is_one(each)}
            intervals = [each for each in intervals if not _is_one(each)]
            middles = [(each.low + each.high) // 2 for each in intervals]
            levels = self._levels(
                [(each.wallet, middle) for each, middle in zip(intervals, middles, strict=True)]
            )
            halves = [
                half
                for each, middle in zip(intervals, middles, strict=True)
                for level in (levels[each.wallet, middle],)
                for half in (
                    _Interval(each.wallet, each.low, middle, (each.levels[0], level)),
                    _Interval(each.wallet, middle, each.high, (level, each.levels[1])),
                )
            ]
            intervals = [half for half in halves if half.fallen]
        return found

    def _levels(self, wanted: Sequence[tuple[Wallet, int]]) -> dict[tuple[Wallet, int], int]:
        """Return the stake of each wallet at the block in each place, less what it staked in these blocks."""
        staked = self._views.staked((self._blocks[place][1], wallet) for wallet, place in wanted)
        return {
            (wallet, place): staked[self._blocks[place][1], wallet] - self._added(wallet, place)
            for wallet, place in wanted
        }

    def _added(self, wallet: Wallet, place: int) -> int:
        number = self._blocks[place][0]
        return sum(amount for block, amount in self._stakes.get(wallet, {}).items() if block <= number)


def _is_one(interval: _Interval) -> bool:
    return interval.high == interval.low + 1
