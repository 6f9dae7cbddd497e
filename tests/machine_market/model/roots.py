"""EpochRoots: of each closed day one commitment, in order, for ever."""

from tests.machine.names import NOBODY, ORIGIN, Clock, Facts, Question, demand, unless

ROOTS = "EpochRoots"
EMPTY = (0, 0, 0, 0, 0, 0)


class Roots:
    def __init__(self, clock: Clock, start_epoch: int) -> None:
        self.clock, self.start_epoch, self.publisher = clock, start_epoch, "treasury"
        self.published: dict[int, tuple[int, int, int, int, int, int]] = {}
        """Epoch -> root, granted, spent, accounts, hash of the file, Unix time; in order."""

    def publish(
        self, caller: str, epoch: int, root: int, granted: int, spent: int, accounts: int, file_hash: int
    ) -> tuple[()]:
        is_empty = accounts == 0
        demand(
            unless(caller == self.publisher, "OnlyPublisher", caller),
            unless(self.next_epoch in (0, epoch), "NotNextEpoch", epoch, self.next_epoch),
            unless(epoch >= self.start_epoch, "EpochBeforeStart", epoch, self.start_epoch),
            unless(epoch < self.clock.epoch, "EpochNotClosed", epoch, self.clock.epoch),
            unless(spent <= granted, "SpentExceedsGranted", spent, granted),
            unless(
                is_empty is (root == 0) and not (is_empty and granted),
                "EmptyRootMismatch",
                root.to_bytes(32),
                accounts,
                granted,
            ),
        )
        self.published[epoch] = (root, granted, spent, accounts, file_hash, ORIGIN + self.clock.now)
        return ()

    def name_publisher(self, caller: str, new: str) -> tuple[()]:
        demand(unless(caller == "timelock", "OnlyTimelock", caller), unless(new != NOBODY, "ZeroAddress"))
        self.publisher = new
        return ()

    @property
    def next_epoch(self) -> int:
        """Zero before the first."""
        return max(self.published) + 1 if self.published else 0

    def facts(self) -> Facts:
        yield Question(ROOTS, "publisher"), (self.publisher,)
        yield Question(ROOTS, "startEpoch"), (self.start_epoch,)
        yield Question(ROOTS, "firstEpoch"), (min(self.published, default=0),)
        yield Question(ROOTS, "nextEpoch"), (self.next_epoch,)
        for epoch, commitment in self.published.items():
            yield Question(ROOTS, "commitmentOf", (epoch,)), commitment
        yield Question(ROOTS, "commitmentOf", (self.next_epoch or self.clock.epoch,)), EMPTY
