"""The reader of a live deployment: the same events as from our own contracts, from what is proven of others'.

    events(headers)   1. what logs say, checked as our own contracts' are (chain/client.py)
                      2. exits of DIEM, which write no log, found by asking (silent_exits.py)
                      3. each wallet that a block touched, asked before and after it (core/live.py)
                      4. the daily right of those whose staked DIEM changed

A block gives the same events however many are read at once, so that reading again from the first block gives
what following gave. In the first block of all, every wallet that a log ever named is opened with what it has.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from entitlement.chain.live.decode import LiveLog
from entitlement.chain.live.logs import LiveLogReader, Place
from entitlement.chain.live.profile import DIEM, LiveProfile
from entitlement.chain.live.silent_exits import silent_exits
from entitlement.chain.live.views import Question
from entitlement.chain.rpc import RpcLimits
from entitlement.core.blocks import Header
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import DeploymentMismatch, InconsistentNode
from entitlement.core.events import AllowanceChanged, ChainEvent, DiemExitRequested, DiemStaked, LogPlace
from entitlement.core.live import (
    COOLDOWN_MIN,
    Day,
    LiveAccount,
    Logged,
    changes,
    opening,
    right_of,
    right_without_history,
)
from entitlement.core.positions import Slot
from entitlement.core.units import Wallet, Wei

NO_TRANSACTION = "0x" + "00" * 32
"""Where no log tells which transaction did it."""

_BLOCKS_READ_AGAIN = 1_024
"""As deep as the follower finds a fork."""


class LiveChainReader(LiveLogReader):
    """`ChainReader` for a live deployment, over a node that keeps the state of the blocks it is asked for.

    An event's `log_index` counts the events of its block: what is told here is not always one log's.
    """

    def __init__(self, rpc_url: str, profile: LiveProfile, limits: RpcLimits | None = None) -> None:
        super().__init__(rpc_url, profile, limits)
        self._stakers: set[Wallet] = set()
        self._stakers_to = profile.born_block - 1

    def events(self, headers: Sequence[Header]) -> list[ChainEvent]:
        """Return what happened in exactly these blocks, in chain order, block by block.

        Raises `InconsistentNode` also where the contracts do something that the rules here do not know.
        """
        said = self.said(headers)
        if not headers:
            return []
        assert headers[0].number >= self._start_block, "before that the views do not answer"
        opened: list[ChainEvent] = []
        followed = headers
        if headers[0].number == self._start_block:
            opened, followed = self._opened(headers[0]), headers[1:]
        events = opened + (self._happened(followed, said) if followed else [])
        # Heights were asked for beside hashes: had the chain turned meanwhile, they could be of two chains.
        if self.header(headers[-1].number) != headers[-1]:
            raise InconsistentNode(
                f"block {headers[-1].number} {headers[-1].hash} is not on the node any more"
            )
        return events

    def rights(self, accounts: Sequence[tuple[Header, LiveAccount]]) -> list[Slot]:
        """Return the daily right of each account in the day of its block."""
        cooldowns = self._cooldowns([header for header, _ in accounts])
        proven = [
            right_without_history(account, epoch_at(header.timestamp), cooldowns[header.hash])
            for header, account in accounts
        ]
        open_: list[Place] = [
            (header, account.wallet)
            for (header, account), slot in zip(accounts, proven, strict=True)
            if slot is None
        ]
        days: dict[Place, Day] = self.days(open_)
        return [
            slot or right_of(days[header, account.wallet], account.diem_staked)
            for (header, account), slot in zip(accounts, proven, strict=True)
        ]

    # --- the first block ----------------------------------------------------------------------------------

    def _opened(self, header: Header) -> list[ChainEvent]:
        """Return the events that would have made, in this block, what every wallet has after it."""
        names = self.wallets_named(self._profile.born_block, header.number)
        accounts = self.views.accounts((header.hash, wallet) for wallet in names)
        supply = Wei(self.views.number(header.hash, DIEM, "totalSupply"))
        numbers = count()
        found: list[ChainEvent] = []
        for wallet in sorted(names):
            after = accounts[header.hash, wallet]
            place = _places(header, numbers, NO_TRANSACTION)
            found += changes(LiveAccount(wallet), after, opening(after), supply=supply, place=place)
            if after.diem_staked or after.diem_exit.amount:
                staked = after.diem_staked
                found.append(AllowanceChanged(place(), wallet, epoch_at(header.timestamp), staked, staked))
        return found

    # --- every later block --------------------------------------------------------------------------------

    def _happened(self, headers: Sequence[Header], said: Sequence[LiveLog]) -> list[ChainEvent]:
        logged, transactions = self._touched(said, above=headers[0].number - 1)
        for number, wallet in self._silent(headers, logged):
            logged[number].setdefault(wallet, Logged())
        touched = [header for header in headers if header.number in logged]
        accounts = self.views.accounts(
            (at, wallet)
            for header in touched
            for wallet in logged[header.number]
            for at in (header.parent_hash, header.hash)
        )
        supplies = self._supplies(touched)
        found: list[ChainEvent] = []
        moved: list[tuple[Header, LiveAccount]] = []
        numbers = {header.hash: count() for header in touched}
        for header in touched:
            for wallet, proven in sorted(logged[header.number].items()):
                after = accounts[header.hash, wallet]
                transaction = transactions.get((header.number, wallet), NO_TRANSACTION)
                events = changes(
                    accounts[header.parent_hash, wallet],
                    after,
                    proven,
                    supply=supplies[header.hash],
                    place=_places(header, numbers[header.hash], transaction),
                )
                found += events
                if any(isinstance(event, DiemStaked | DiemExitRequested) for event in events):
                    moved.append((header, after))
        for (header, account), slot in zip(moved, self.rights(moved), strict=True):
            transaction = transactions.get((header.number, account.wallet), NO_TRANSACTION)
            at = _places(header, numbers[header.hash], transaction)()
            found.append(AllowanceChanged(at, account.wallet, slot.epoch, slot.current, slot.next))
        return sorted(found, key=lambda event: event.at)

    def _touched(
        self, said: Sequence[LiveLog], *, above: int
    ) -> tuple[defaultdict[int, dict[Wallet, Logged]], dict[tuple[int, Wallet], str]]:
        """Return what logs prove by block and wallet, and the last transaction that touched each wallet."""
        logged: defaultdict[int, dict[Wallet, Logged]] = defaultdict(dict)
        transactions: dict[tuple[int, Wallet], str] = {}
        for log in said:
            touched = self._live.touched(log)
            if touched is None or log.at.block_number <= above:
                continue
            (wallet, proven), number = touched, log.at.block_number
            logged[number][wallet] = logged[number].get(wallet, Logged()) + proven
            transactions[number, wallet] = log.at.transaction_hash
        return logged, transactions

    def _silent(
        self, headers: Sequence[Header], logged: dict[int, dict[Wallet, Logged]]
    ) -> set[tuple[int, Wallet]]:
        stakes: defaultdict[Wallet, dict[int, int]] = defaultdict(dict)
        for number, of_block in logged.items():
            for wallet, proven in of_block.items():
                if proven.diem_staked:
                    stakes[wallet][number] = proven.diem_staked
        blocks = [(headers[0].number - 1, headers[0].parent_hash)]
        blocks += [(header.number, header.hash) for header in headers]

        def stakers() -> set[Wallet]:
            return self._known_stakers(headers[0].number - 1) | set(stakes)

        return silent_exits(self.views, blocks, stakes, stakers)

    def _known_stakers(self, last: int) -> set[Wallet]:
        """Return everyone who ever staked DIEM up to block `last`, and maybe others: who was undone stays."""
        # After a reorganisation the newest of these blocks may be others. As many as could be are read again.
        first = max(self._profile.born_block, min(self._stakers_to, last) - _BLOCKS_READ_AGAIN)
        self._stakers |= {said.user for said in self.diem_stakes(first, last)}
        self._stakers_to = max(self._stakers_to, last)
        return self._stakers

    def _supplies(self, headers: Sequence[Header]) -> dict[str, Wei]:
        answered = self.views.ask([Question(header.hash, DIEM, "totalSupply") for header in headers])
        return {header.hash: Wei(supply) for header, (supply,) in zip(headers, answered, strict=True)}

    def _cooldowns(self, headers: Sequence[Header]) -> dict[str, int]:
        hashes = list(dict.fromkeys(header.hash for header in headers))
        answered = self.views.ask([Question(at, DIEM, "cooldownDuration") for at in hashes])
        for (found,) in answered:
            if found < COOLDOWN_MIN:
                raise DeploymentMismatch(
                    contract=DIEM, field="cooldownDuration", expected=f"{COOLDOWN_MIN} or more", found=found
                )
        return {at: found for at, (found,) in zip(hashes, answered, strict=True)}


def _places(header: Header, numbers: Iterator[int], transaction: str) -> Callable[[], LogPlace]:
    return lambda: LogPlace(header.number, next(numbers), header.hash, transaction)
