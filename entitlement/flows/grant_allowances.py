"""Grant allowances: the day's right becomes credit when an account is touched, or when the sweep comes by.

"Grant up to": an account's bucket of the epoch is raised to what the chain gives it now, never lowered. So it
is safe to repeat at any moment, and no job at midnight stands between anybody and their credit.
"""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.allowance import allowance
from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.ledger import Source, book_grant
from entitlement.core.units import NanoUsd, Wallet
from entitlement.store import access, chain, ledger
from entitlement.store.clock import service_time

ACCOUNTS_PER_SWEEP_STEP = 500


class GrantAllowances:
    """Makes the grants that nobody has asked for yet, so that the day's totals are whole."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def sweep(self) -> int:
        """Grant to every wallet with a right; return how many grants were made or raised."""
        raised = 0
        last = ""
        while True:  # ends: each round goes past the wallets of the one before
            with self._sessions.begin() as session:
                wallets = chain.wallets_with_right(session, after=last, limit=ACCOUNTS_PER_SWEEP_STEP)
            for wallet in wallets:
                raised += self._grant(wallet)
            if len(wallets) < ACCOUNTS_PER_SWEEP_STEP:
                return raised
            last = wallets[-1]

    def _grant(self, wallet: Wallet) -> bool:
        with self._sessions.begin() as session:
            account_id = access.open_account(session, wallet, service_time(session))
            access.lock_account(session, account_id)
            return grant_up_to_allowance(session, account_id, wallet, service_time(session)) > 0


def grant_up_to_allowance(session: Session, account_id: int, wallet: Wallet, now: int) -> NanoUsd:
    """Raise the account's bucket of this epoch to its allowance; return by how much.

    The caller holds the account's lock and has taken `now` after it, so that the day is the right one.
    """
    epoch = epoch_at(now)
    due = allowance_now(session, wallet, epoch)
    if due == 0:
        return NanoUsd(0)
    found = ledger.open_bucket(session, account_id, Source.DIEM, epoch=epoch, expires_at=ends_at(epoch))
    if found.granted >= due:
        return NanoUsd(0)
    entry = book_grant(account_id, epoch, found.bucket, granted=found.granted, up_to=due)
    ledger.append(session, entry, now)
    return NanoUsd(due - found.granted)


def allowance_now(session: Session, wallet: Wallet, epoch: Epoch) -> NanoUsd:
    """Return what the followed chain gives a wallet in `epoch`, as far as it is known now."""
    followed = chain.followed(session)
    if followed is None:
        return NanoUsd(0)
    final, latest = chain.position_pair(session, wallet)
    return allowance(
        final=final.slot,
        latest=latest.slot,
        final_timestamp=followed.final.timestamp,
        latest_timestamp=followed.head.timestamp,
        epoch=epoch,
    )
