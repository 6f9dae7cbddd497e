"""Govern buybacks: which share buys, and that a person can stop them; each with a name and a reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import ActKind, Because
from entitlement.core.buyback_policy import Policy, Since
from entitlement.core.buyback_run import Run
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import Wallet
from entitlement.store import acts, buyback_rules, buybacks
from entitlement.store.buyback_rules import Announced, By, SetPolicy, Veto
from entitlement.store.clock import service_time

MADE_BY_MAX, REASON_MAX = 64, 200
RUNS_SHOWN = 10
ALL_BUYBACKS = "all buybacks"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where buybacks stand, by the journal alone."""

    now: int
    veto: Veto | None
    """The last one, which may be over."""
    announced: Announced | None
    open: Run | None
    runs: list[Run]
    """The last ones, newest first."""


class GovernBuybacks:
    """Policies, vetoes, and where buybacks stand. Each act is one transaction."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def set_policy(self, policy: Policy, by: By, *, from_epoch: Epoch | None = None) -> Since:
        """Let a policy hold from a day on, today by default. Raises InvalidRequest.

        Never from a day that is over: what is owed of it has been counted by another one.
        """
        policy.check()
        _check_by(by)
        with self._sessions.begin() as session:
            now = service_time(session)
            today = epoch_at(now)
            since = Since(today if from_epoch is None else from_epoch, policy)
            if since.epoch < today:
                raise InvalidRequest(f"day {since.epoch} is over: today is {today}", field="from_epoch")
            buyback_rules.put_policy(session, since, by, now)
            figures = {name: value for name, value in asdict(policy).items() if isinstance(value, int)}
            figures["from_epoch"] = since.epoch
            _keep(session, ActKind.BUYBACK_POLICY, by, now, subject=policy.schedule.value, figures=figures)
        return since

    def policies(self) -> list[SetPolicy]:
        """Return every policy that was ever set."""
        with self._sessions.begin() as session:
            return buyback_rules.policy_history(session)

    def veto(self, by: By, *, until: int | None) -> Announced | None:
        """Stop all buybacks until a Unix time, or until `allow`; return the plan that this ended.

        A run that was signed goes on: it may be in a block already. Raises InvalidRequest.
        """
        _check_by(by)
        with self._sessions.begin() as session:
            now = service_time(session)
            if until is not None and until <= now:
                raise InvalidRequest(f"{until} has passed: it is {now}", field="until")
            buyback_rules.put_veto(session, until, by, now)
            figures = {} if until is None else {"until": until}
            _keep(session, ActKind.BUYBACK_VETO, by, now, subject=ALL_BUYBACKS, figures=figures)
            plan = buyback_rules.announced(session)
            if plan is not None:
                buyback_rules.end_plan(session, plan.id, "vetoed", f"{by.made_by}: {by.reason}", now)
        return plan

    def allow(self, by: By) -> None:
        """End a veto. Raises InvalidRequest."""
        _check_by(by)
        with self._sessions.begin() as session:
            now = service_time(session)
            buyback_rules.put_veto(session, now, by, now)
            _keep(session, ActKind.BUYBACK_ALLOW, by, now, subject=ALL_BUYBACKS, figures={})

    def standing(self, burner: Wallet) -> Standing:
        """Return where buybacks stand, asking no node."""
        with self._sessions.begin() as session:
            return Standing(
                service_time(session),
                buyback_rules.veto(session),
                buyback_rules.announced(session),
                buybacks.open_run(session, burner),
                buybacks.newest(session, burner, RUNS_SHOWN),
            )


def _keep(
    session: Session, kind: ActKind, by: By, now: int, *, subject: str, figures: Mapping[str, int]
) -> None:
    """Keep what an operator did beside what others did, in the transaction that does it."""
    because = Because(by.made_by, by.reason)
    acts.add(session, kind, because, now=now, subject=subject, figures=figures)


def _check_by(by: By) -> None:
    for field, value, most in (("by", by.made_by, MADE_BY_MAX), ("reason", by.reason, REASON_MAX)):
        if not value.strip() or len(value) > most or not value.isprintable():
            raise InvalidRequest(f"{field} must be 1 to {most} printable characters", field=field)
