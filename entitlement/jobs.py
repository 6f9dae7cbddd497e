"""Jobs: what the clock starts. One process at a time runs them; the others wait to take over.

    follow   every poll     steps until the head is reached; also when the node says that it has a new block
    grant    every minute   the grants that no request has made yet
    settle   every 5 s      what was paid for and is final, and the months that begin
    verify   as it is set   some wallets, or all, against the contracts' own views
    watch    every 5 s      what is stored, in figures
    publish  every 10 min   the roots of days that can change no more, where a publisher is configured
    state    every minute   the statement of a day that is over and settled
    deliver  every 2 s      what account holders want to be told
    buyback  every 30 s     what is owed becomes burned VVV, by policy; only where a keeper's key is named
    poke     every 4 min    the memory of a pair's prices, where a poker's key is named
    expire   every 5 s      holds that ran out; every minute, buckets whose day is over; every hour, sign-ins
    archive  every hour     old weeks of the journal and the usage, where that is set; what was told long ago

Nothing waits for a job: a request grants and gives back for its own account. Jobs make the books whole.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# APScheduler 3 carries no types.

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from entitlement import metrics
from entitlement.chain import poker
from entitlement.chain.new_heads import NewHeads
from entitlement.chain.poker import Poker
from entitlement.core.errors import ChainError, EntitlementError
from entitlement.flows.follow_chain import FollowChain, FollowStep
from entitlement.flows.publish_roots import PublishRoots
from entitlement.flows.schedule_buybacks import ScheduleBuybacks
from entitlement.flows.verify_positions import VerifyPositions
from entitlement.store.leadership import Leadership
from entitlement.telemetry import where
from entitlement.wiring.service import Service

log = structlog.get_logger()

STEPS_PER_POLL_MAX = 100
"""Then the poll ends, so that a stop is noticed; the next one goes on."""
GRANT_SECONDS = 60
SETTLE_SECONDS = 5
EXPIRE_HOLDS_SECONDS = 5
EXPIRE_BUCKETS_SECONDS = 60
FORGET_SECONDS = 3_600
ARCHIVE_SECONDS = 3_600
DELIVER_SECONDS = 2
STATE_SECONDS = 60
WATCH_SECONDS = 5
PUBLISH_SECONDS = 600
"""Where nothing else is set: settings.py says why so seldom."""
BUYBACK_SECONDS = 30
LEADERSHIP_SECONDS = 1.0
"""Between two looks of the one that leads at whether it still does."""
WAITING_SECONDS = 0.2
"""Between two tries of one that waits: the first row after a leader's death comes within a second."""
STOP_SECONDS = 3.0
"""How long a job may take to come to its end. One that waits for a silent node takes longer, and is left:
what it has not committed has not happened."""


@dataclass(frozen=True, slots=True)
class Verifying:
    """How often what is stored is compared with the contracts, and how much of it at once."""

    verification: VerifyPositions
    seconds: int
    wallets: int


@dataclass(frozen=True, slots=True)
class Configured:
    """What is done only where it is configured."""

    verifying: Verifying | None = None
    heads: NewHeads | None = None
    """Where the node tells of new blocks by itself."""
    publishing: PublishRoots | None = None
    """Where a publisher signs."""
    publish_seconds: int = PUBLISH_SECONDS
    buybacks: ScheduleBuybacks | None = None
    """Where a keeper signs."""
    poking: Poker | None = None
    """Where somebody pays for pokes."""


NOTHING_MORE = Configured()


class Jobs:
    """The scheduler of one process."""

    def __init__(
        self,
        service: Service,
        follower: FollowChain,
        leadership: Leadership,
        poll_seconds: float,
        configured: Configured = NOTHING_MORE,
    ) -> None:
        self._service = service
        self._follower = follower
        self._leadership = leadership
        self._poll_seconds = poll_seconds
        self._verifying = configured.verifying
        self._heads = configured.heads
        self._publishing = configured.publishing
        self._publish_seconds = configured.publish_seconds
        self._buybacks = configured.buybacks
        self._poking = configured.poking
        self._following = threading.Lock()
        self._stop = threading.Event()
        self._ending: threading.Thread | None = None

    @property
    def is_hanging(self) -> bool:
        """Whether a job was left at the end of `run`, and its thread would keep the process from ending."""
        return self._ending is not None and self._ending.is_alive()

    def run(self) -> bool:
        """Wait for leadership, then run the jobs until `stop`; False if the database was lost meanwhile."""
        try:
            if not self._wait_for_leadership():
                return True
        except DBAPIError as error:
            log.error("database_unavailable", error=type(error).__name__)
            return False
        scheduler = self._scheduler()
        scheduler.start()
        if self._heads is not None:
            self._heads.start(_told(self.follow))
        try:
            while not self._stop.wait(LEADERSHIP_SECONDS):
                if not self._leadership.is_held():
                    log.error("leadership_lost")
                    return False
            return True
        finally:
            if self._heads is not None:
                self._heads.stop()
            self._end(scheduler)
            self._leadership.give_up()

    def stop(self) -> None:
        """End `run` after the jobs under way. A signal's handler may call this."""
        # By another thread: a handler runs in the middle of the main one, which may hold the event's lock.
        threading.Thread(target=self._stop.set, daemon=True).start()

    def follow(self) -> None:
        """Step until the head is reached; one after the other, whether the clock or the node says when."""
        with self._following:
            self._follow()

    def _follow(self) -> None:
        for _ in range(STEPS_PER_POLL_MAX):
            if self._stop.is_set():
                return
            step = self._measured_step()
            if step.undone:
                log.warning("reorganisation", undone=step.undone, head=step.head)
            if step.events:
                log.info(
                    "followed",
                    head=step.head,
                    final=step.final,
                    events=step.events,
                    behind=step.node_head - step.head,
                )
            if step.is_caught_up:
                return

    def _measured_step(self) -> FollowStep:
        try:
            with metrics.STEP_SECONDS.time():
                step = self._follower.step()
        except Exception as error:
            metrics.STEPS.labels(type(error).__name__).inc()
            raise
        metrics.STEPS.labels("ok").inc()
        metrics.STEPPED_AT.set_to_current_time()
        metrics.EVENTS.inc(step.events)
        metrics.HEAD_BLOCK.set(step.head)
        metrics.HEAD_TIMESTAMP.set(step.head_timestamp)
        metrics.FINAL_BLOCK.set(step.final)
        metrics.NODE_BLOCK.set(step.node_head)
        metrics.LAG_BLOCKS.set(max(0, step.node_head - step.head))
        metrics.LAG_SECONDS.set(max(0, step.node_head_timestamp - step.head_timestamp))
        metrics.FINAL_LAG_BLOCKS.set(step.head - step.final)
        metrics.FINAL_LAG_SECONDS.set(step.head_timestamp - step.final_timestamp)
        return step

    def grant(self) -> None:
        """Make the grants that no request has made yet."""
        raised = self._service.grants.sweep()
        metrics.GRANTS.inc(raised)
        if raised:
            log.info("granted", accounts=raised)

    def archive(self) -> None:
        """Take out the weeks that are kept long enough, and delete what was told long ago."""
        self._service.archive.run()

    def settle(self) -> None:
        """Make credit of what was paid for."""
        settled = self._service.purchases.sweep()
        metrics.PURCHASES.inc(settled)
        if settled:
            log.info("settled", purchases=settled)

    def state(self) -> None:
        """Make the statements of days that are over."""
        made = self._service.stating.sweep()
        if made:
            log.info("stated", statements=made)

    def buyback(self) -> None:
        """Do what is next about buybacks, where a keeper signs."""
        assert self._buybacks is not None
        self._buybacks.tick()

    def poke(self) -> None:
        """Keep the memory of a pair's prices without a gap, where somebody pays for it."""
        assert self._poking is not None
        looked = self._poking.poke()
        metrics.POKED_AT.set_to_current_time()
        if looked.hash is not None:
            log.info("poked", how=looked.done.value, hash=looked.hash)

    def watch(self) -> None:
        """Measure what is stored, whoever stored it: whether grants go on, what was verified."""
        health = self._service.accounts.health()
        if health is not None:
            metrics.GRANTING_STOPPED.labels("following").set(health.granting_stopped is not None)
            metrics.GRANTING_STOPPED.labels("verification").set(health.check_failed is not None)
        verified = self._service.accounts.verified()
        if verified is not None:
            metrics.VERIFIED_BLOCK.set(verified.block_number)
            metrics.VERIFIED_WALLETS.set(verified.wallets)
            metrics.DIFFERENCES.set(verified.differences)
            if not verified.differences:
                metrics.VERIFIED_AT.set(verified.verified_at)

    def verify(self) -> None:
        """Compare what is stored with the contracts, once anything is."""
        if self._verifying is None or self._service.accounts.health() is None:
            return
        try:
            done = self._verifying.verification.sample(self._verifying.wallets)
        except Exception as error:
            metrics.VERIFICATIONS.labels(type(error).__name__).inc()
            raise
        metrics.VERIFICATIONS.labels("differences" if done.differences else "ok").inc()
        if done.differences:
            log.critical(
                "verification_failed",
                block=done.block,
                wallets=done.wallets,
                differences=len(done.differences),
                first=done.differences[0],
            )
        else:
            log.info("verified", block=done.block, wallets=done.wallets)

    def publish(self) -> None:
        """Publish the roots of days that can change no more."""
        if self._publishing is None:
            return
        done = self._publishing.run()
        if done.published:
            metrics.PUBLISHED_EPOCH.set(done.published[-1])

    def _end(self, scheduler: BackgroundScheduler) -> None:
        self._stop.set()
        self._ending = threading.Thread(target=lambda: scheduler.shutdown(wait=True), daemon=True)
        self._ending.start()
        self._ending.join(STOP_SECONDS)
        if self.is_hanging:
            log.warning("job_left_behind")

    def _wait_for_leadership(self) -> bool:
        told = False
        while not self._leadership.is_taken():
            if not told:
                log.info("waiting_for_leadership")
                told = True
            if self._stop.wait(WAITING_SECONDS):
                return False
        log.info("leading")
        return True

    def _scheduler(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(4)},
            # A job that is late runs once, and never beside itself.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._add(scheduler, self.follow, self._poll_seconds)
        self._add(scheduler, self.grant, GRANT_SECONDS)
        self._add(scheduler, self.settle, SETTLE_SECONDS)
        self._add(scheduler, self._service.expiry.expire_holds, EXPIRE_HOLDS_SECONDS)
        self._add(scheduler, self._service.expiry.expire_buckets, EXPIRE_BUCKETS_SECONDS)
        self._add(scheduler, self._service.expiry.forget_sign_ins, FORGET_SECONDS)
        self._add(scheduler, self.archive, ARCHIVE_SECONDS)
        self._add(scheduler, self.state, STATE_SECONDS)
        self._add(scheduler, self.watch, WATCH_SECONDS)
        self._add(scheduler, self._service.deliveries.deliver, DELIVER_SECONDS)
        if self._publishing is not None:
            self._add(scheduler, self.publish, self._publish_seconds)
        if self._buybacks is not None:
            self._add(scheduler, self.buyback, BUYBACK_SECONDS)
        if self._poking is not None:
            self._add(scheduler, self.poke, poker.SECONDS)
        if self._verifying is not None:
            self._add(scheduler, self.verify, self._verifying.seconds)
        return scheduler

    @staticmethod
    def _add(scheduler: BackgroundScheduler, job: Callable[[], object], seconds: float) -> None:
        # At once, so that what a dead leader left is not left for another interval.
        now = datetime.now(UTC)
        scheduler.add_job(_told(job), "interval", seconds=seconds, id=job.__name__, next_run_time=now)


def _told(job: Callable[[], object]) -> Callable[[], None]:
    """Return `job` such that it raises nothing, and says in the log why it failed."""
    name = job.__name__

    def run() -> None:
        try:
            job()
        except ChainError as error:
            tell = log.critical if error.stops_granting else log.warning
            event = "granting_stopped" if error.stops_granting else "job_failed"
            tell(event, job=name, error=type(error).__name__, reason=str(error))
        except EntitlementError as error:
            log.error("job_failed", job=name, error=type(error).__name__, reason=str(error))
        except DBAPIError as error:
            # Its text may quote values; the class says enough. The next run tries again.
            log.error("job_failed", job=name, reason=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the scheduler would log a trace, with values
            log.error("job_failed", job=name, reason=type(error).__name__, where=where(error))

    return run
