"""Expected failures. Each carries its facts; only the edge (api, cli) gives it a status or an exit code.

The first sentence says what was wrong, with the figures; the rest says what the person can do about it.
"""

from typing import ClassVar


class EntitlementError(Exception):
    """Anything that can be expected to go wrong; the message is meant for the person who caused it."""

    is_repeated = False
    """Whether it is the answer to a request that was refused so before."""

    def facts(self) -> dict[str, object]:
        """Return the figures behind the message, for answers that machines read."""
        return {
            name: value
            for name, value in vars(self).items()
            if not name.startswith("_") and name != "is_repeated"
        }


# --- input ---------------------------------------------------------------------------------------------


class MalformedAddress(EntitlementError):
    """Not `0x` and 40 hex digits."""

    def __init__(self, *, address: str) -> None:
        super().__init__(f"{address[:80]!r} is not an address: give 0x and 40 hex digits")
        self.address = address[:80]


class InvalidAmount(EntitlementError):
    """An amount outside what may be asked for."""

    def __init__(self, *, field: str, amount: int, smallest: int, largest: int) -> None:
        super().__init__(f"{field} is {amount}: it must be from {smallest} to {largest} nano-USD")
        self.field, self.amount, self.smallest, self.largest = field, amount, smallest, largest


class InvalidRequest(EntitlementError):
    """Anything else that is wrong with what was sent."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


class SupplyAboveCap(EntitlementError):
    """More DIEM than the mint curve goes."""

    def __init__(self, *, supply: int, cap: int) -> None:
        super().__init__(f"a supply of {supply} wei of DIEM is above the cap of {cap}: mint less")
        self.supply, self.cap = supply, cap


# --- the chain -----------------------------------------------------------------------------------------


class ChainError(EntitlementError):
    """The node or the chain, rather than the caller."""

    stops_granting: ClassVar[bool] = False
    """Whether what is stored may rest on a chain that is not the right one: then nothing more is granted."""


class NodeUnavailable(ChainError):
    """The node did not answer, or answered with an error that may pass."""

    def __init__(self, *, method: str, reason: str) -> None:
        super().__init__(f"the node did not answer {method}: {reason}")
        self.method, self.reason = method, reason


class NotReadYet(ChainError):
    """Something takes longer to read than anybody waits; it goes on being read."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"{what}: ask again in a moment")
        self.what = what


class RangeTooFull(ChainError):
    """More happened in some blocks than is taken into memory at once."""

    def __init__(self, *, first: int, last: int, logs_max: int) -> None:
        super().__init__(f"blocks {first}..{last} have more than {logs_max:,} logs: ask for fewer at once")
        self.first, self.last, self.logs_max = first, last, logs_max


class InconsistentNode(ChainError):
    """The node's answers contradict each other; nothing of them was taken over."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the node contradicts itself: {reason}")
        self.reason = reason


class WrongChain(ChainError):
    """The node serves another chain than the one that was asked for or stored."""

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(f"the node serves chain {found}, expected chain {expected}: check the RPC URL")
        self.expected, self.found = expected, found


class ForkBelowWindow(ChainError):
    """No kept block is on the node's chain: the reorganisation is deeper than what was kept."""

    stops_granting = True

    def __init__(self, *, oldest_kept: int | None) -> None:
        super().__init__(f"the node's chain differs even at block {oldest_kept}, the oldest one kept")
        self.oldest_kept = oldest_kept


class FinalBlockChanged(ChainError):
    """A block that was final is no longer on the node's chain; credit may rest on it, so following stops."""

    stops_granting = True

    def __init__(self, *, final: int, fork: int) -> None:
        super().__init__(
            f"block {final} was final, but the node's chain parts from ours after block {fork}: "
            "following and granting stop until a person has looked at it; what was granted stays as it is"
        )
        self.final, self.fork = final, fork


class NodesDisagree(ChainError):
    """Two independent nodes say different things about a final block: one lies, and nobody knows which."""

    stops_granting = True

    def __init__(
        self,
        *,
        block: int,
        first: str,
        first_said: str,
        second: str,
        second_said: str,
        consequence: str = "following stops until they agree, and no later day's credit is granted meanwhile",
    ) -> None:
        """Take the nodes' hosts alone, since the rest of an address may hold a key, and what each said."""
        super().__init__(
            f"block {block} is final, but {first} says {first_said}, and {second} says {second_said}: "
            f"{consequence}"
        )
        self.block = block
        self.first, self.first_said = first, first_said
        self.second, self.second_said = second, second_said


class FinalityHeldBack(ChainError):
    """Two nodes must agree about what is final, and one is out or behind for longer than is waited for it."""

    def __init__(self, *, wanted: int, agreed: int, reason: str) -> None:
        super().__init__(
            f"block {wanted} is final here, but the two nodes agree up to block {agreed} only: {reason}; "
            "nothing was written: start again when that node is well, or with another one in its place"
        )
        self.wanted, self.agreed, self.reason = wanted, agreed, reason


class JournalBroken(ChainError):
    """The stored events do not fit together, so nothing can be derived from them alone."""

    def __init__(self, *, wallet: str, reason: str) -> None:
        super().__init__(
            f"the stored events of {wallet} do not fit together: {reason}; one is missing or wrong: "
            "rebuild them from the chain with `entitlement reindex`"
        )
        self.wallet, self.reason = wallet, reason


class CursorMoved(ChainError):
    """Another follower moved the cursor in the meantime; this step was undone."""

    def __init__(self, *, expected: int) -> None:
        super().__init__(f"the cursor is no longer at block {expected}: another follower runs")
        self.expected = expected


class DeploymentMismatch(ChainError):
    """What stands on the chain is not what was deployed or recorded."""

    def __init__(self, *, contract: str, field: str, expected: object, found: object) -> None:
        super().__init__(f"{contract}.{field} is {found}, expected {expected}")
        self.contract, self.field, self.expected, self.found = contract, field, expected, found


class DeploymentMissing(ChainError):
    """No contracts are recorded for a chain."""

    def __init__(self, *, chain_id: int) -> None:
        super().__init__(
            f"no deployment is recorded for chain {chain_id}: "
            "run `entitlement deploy`, or name its file in ENTITLEMENT_DEPLOYMENT"
        )
        self.chain_id = chain_id


class TransactionFailed(ChainError):
    """A transaction was refused or reverted."""

    def __init__(self, *, what: str, reason: str) -> None:
        super().__init__(f"{what} failed: {reason}")
        self.what, self.reason = what, reason


class TransactionNotMined(TransactionFailed):
    """A transaction was sent, and no block has taken it as long as it was waited for; one still may."""


class SignatureRefused(ChainError):
    """A remote signer did not sign what it was asked to."""


# --- credit --------------------------------------------------------------------------------------------


class GrantsFailed(EntitlementError):
    """Some accounts could not be granted their allowance; all the others were."""

    def __init__(self, *, failed: int, raised: int) -> None:
        super().__init__(
            f"{failed} accounts could not be granted their allowance, {raised} were: the log names the first"
        )
        self.failed, self.raised = failed, raised


class InsufficientCredit(EntitlementError):
    """The account cannot pay for what was asked."""

    def __init__(self, *, wanted: int, available: int, resets_at: int) -> None:
        super().__init__(
            f"the request may cost {wanted} nano-USD, the account has {available} left; "
            "the day's credit returns at 00:00 UTC, or add prepaid credit"
        )
        self.wanted, self.available, self.resets_at = wanted, available, resets_at


class KeyLimitReached(EntitlementError):
    """The key's own limit is in the way, not the account's credit."""

    def __init__(
        self, *, limit: str, period: str, wanted: int, available: int, resets_at: int | None
    ) -> None:
        super().__init__(
            f"the request may cost {wanted} nano-USD, the key has {available} left of its {limit} limit "
            f"for each {period}; raise the limit or use another key"
        )
        self.limit, self.period, self.wanted, self.available = limit, period, wanted, available
        self.resets_at = resets_at


class RateLimited(EntitlementError):
    """More requests came in a time than are allowed; `retry_after` seconds from now one is."""

    def __init__(
        self, *, of: str, requests: int, seconds: int, retry_after: int, what: str = "requests"
    ) -> None:
        super().__init__(
            f"the {of} may make {requests} {what} in {seconds} seconds; try again in {retry_after} seconds"
        )
        self.of, self.requests, self.seconds, self.retry_after = of, requests, seconds, retry_after


class UnknownKey(EntitlementError):
    """No such API key."""

    def __init__(self) -> None:
        super().__init__("no API key like this one is known")


class KeyExpired(EntitlementError):
    """The key's expiry has passed."""

    def __init__(self, *, expired_at: int) -> None:
        super().__init__("the API key has expired: make a new one")
        self.expired_at = expired_at


class KeyRevoked(EntitlementError):
    """The key was revoked by its owner."""

    def __init__(self, *, revoked_at: int) -> None:
        super().__init__("the API key was revoked: make a new one")
        self.revoked_at = revoked_at


class KeySuspended(EntitlementError):
    """The key was suspended by the operator."""

    def __init__(self, *, suspended_at: int) -> None:
        super().__init__("the API key was suspended by the operator of this service: ask why")
        self.suspended_at = suspended_at


class KeyPaused(EntitlementError):
    """The key was paused by its owner."""

    def __init__(self, *, paused_at: int) -> None:
        super().__init__(
            "the API key is paused by its owner: let it go on with PATCH /v1/keys/{id} and "
            '{"paused": false}, or use another key'
        )
        self.paused_at = paused_at


class KeyRotated(EntitlementError):
    """The key has another secret since; whoever has this one, or opened a lease with it, gets no more."""

    def __init__(self, *, rotated_at: int) -> None:
        super().__init__("the API key was given a new secret: use that one, or rotate it again if it is lost")
        self.rotated_at = rotated_at


class IdempotencyKeyReused(EntitlementError):
    """The same request id came with another content."""

    def __init__(self, *, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was used before for a different request: choose a new id"
        )
        self.request_id = request_id


class UnknownHold(EntitlementError):
    """No such hold of this gateway."""

    def __init__(self, *, hold: str) -> None:
        super().__init__(f"no hold {hold!r} of this gateway is known")
        self.hold = hold


class HoldAlreadyEnded(EntitlementError):
    """The hold ended in another way than the one asked for now."""

    def __init__(self, *, hold: str, state: str, captured: int) -> None:
        super().__init__(f"hold {hold!r} was already {state}, with {captured} nano-USD captured")
        self.hold, self.state, self.captured = hold, state, captured


class HoldExpired(EntitlementError):
    """The hold ran out, and with it the hour in which a late capture is still taken."""

    def __init__(self, *, hold: str, expired_at: int) -> None:
        super().__init__(f"hold {hold!r} expired and was released; nothing can be captured from it any more")
        self.hold, self.expired_at = hold, expired_at


class HoldsStillOpen(EntitlementError):
    """Something is being paid for at the moment: what is kept of the account is not deleted meanwhile."""

    def __init__(self, *, open: int, expire_at: int) -> None:  # noqa: A002 - the figure's name in the answer
        super().__init__(
            f"{open} holds or leases of the account are open, the last of them until {expire_at} at most: "
            "pause the keys, and ask again when they have ended"
        )
        self.open, self.expire_at = open, expire_at


# --- what was paid for ---------------------------------------------------------------------------------


class PurchaseOutOfBounds(EntitlementError):
    """More was bought than the ledger can hold for one account; nothing of it was granted."""

    def __init__(self, *, wallet: str, purchase: str, amount: int, available: int, largest: int) -> None:
        super().__init__(
            f"{purchase} buys {wallet} {amount} nano-USD, which with the {available} that it has is more "
            f"than the {largest} an account may hold: it waits until there is room, and nothing was granted"
        )
        self.wallet, self.purchase, self.amount = wallet, purchase, amount
        self.available, self.largest = available, largest


class PurchasesNotSettled(EntitlementError):
    """Some purchases could not have their effect; the others have had it."""

    def __init__(self, *, failed: int, settled: int) -> None:
        super().__init__(
            f"{failed} accounts' purchases could not be settled, {settled} of others were; "
            "the log's purchase_failed lines say why"
        )
        self.failed, self.settled = failed, settled


class UnknownPurchase(EntitlementError):
    """No such top-up of this account."""

    def __init__(self, *, wallet: str, purchase: str) -> None:
        super().__init__(f"no top-up {purchase!r} of {wallet} is known: give the transaction's hash")
        self.wallet, self.purchase = wallet, purchase


class NotThatMuchToTakeBack(EntitlementError):
    """A refund of more than there is of a top-up, or a correction of more than was charged."""

    def __init__(self, *, what: str, wanted: int, available: int) -> None:
        super().__init__(f"{what}: {wanted} nano-USD are wanted, {available} can be taken back")
        self.what, self.wanted, self.available = what, wanted, available


# --- what was committed to -----------------------------------------------------------------------------


class NotAnEpochFile(EntitlementError):
    """Not the public file of an epoch, or of another form than such a file has."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this is not the public file of an epoch: {reason[:300]}")


class NotAProof(EntitlementError):
    """Not an account's proof as the service gives it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this is not an account's proof: {reason[:300]}")


class UnknownEpoch(EntitlementError):
    """The epoch has not been closed, or not by this service, or the account had nothing in it."""

    def __init__(self, *, epoch: int, reason: str) -> None:
        super().__init__(f"nothing is committed to for epoch {epoch}: {reason}")
        self.epoch = epoch


class RootDiffers(EntitlementError):
    """What EpochRoots has is not what is stored here, or cannot be followed by it. A person has to look."""

    def __init__(self, *, epoch: int, expected: str, found: str) -> None:
        super().__init__(f"epoch {epoch}: {expected} is stored here, and EpochRoots has {found}")
        self.epoch, self.expected, self.found = epoch, expected, found


class ProofFileChanged(EntitlementError):
    """The public file made anew is not the one whose digest was committed to."""

    def __init__(self, *, epoch: int, committed: str, made: str) -> None:
        super().__init__(
            f"the file of epoch {epoch} was committed to as {committed}, but what is stored gives {made}: "
            "restore the file, or the deployment's record that it was made with"
        )
        self.epoch, self.committed, self.made = epoch, committed, made


# --- access --------------------------------------------------------------------------------------------


class NotAuthenticated(EntitlementError):
    """No valid credential was given."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class NotAllowed(EntitlementError):
    """The credential is valid but not for this."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class SignInRefused(EntitlementError):
    """A wallet's signed statement does not hold; `kind` is the stable reason."""

    def __init__(self, *, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class TooManyKeys(EntitlementError):
    """The account has as many live keys as it may have."""

    def __init__(self, *, largest: int) -> None:
        super().__init__(f"the account has {largest} API keys, the most it may have: revoke one first")
        self.largest = largest


class UnknownApiKeyId(EntitlementError):
    """No key with this id belongs to the account."""

    def __init__(self, *, key_id: str) -> None:
        super().__init__(f"no API key with id {key_id!r} belongs to this account")
        self.key_id = key_id


class UnknownRequest(EntitlementError):
    """No request with this id is known of the account, or none that the caller may see."""

    def __init__(self, *, request_id: str) -> None:
        super().__init__(f"no request {request_id[:128]!r} of this account is known")
        self.request_id = request_id[:128]


class UnknownStatement(EntitlementError):
    """A day has no statement, or none yet."""

    def __init__(self, *, epoch: int) -> None:
        super().__init__(f"epoch {epoch} has no statement: one is made when a day is over and settled")
        self.epoch = epoch


# --- the program's own world ---------------------------------------------------------------------------


class NotADevnet(EntitlementError):
    """Something that only a development chain allows was asked of a real one."""

    def __init__(self, *, what: str, network: str) -> None:
        super().__init__(f"{what} is allowed on a development network only; {network!r} is not one")
        self.what, self.network = what, network


class SetupError(EntitlementError):
    """A missing program, a port in use, a broken installation: what a person has to mend first."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}\n  {remedy}")
        self.problem, self.remedy = problem, remedy


# --- buybacks ------------------------------------------------------------------------------------------


class BuybackBusy(EntitlementError):
    """Another process is at the buybacks of this deployment."""

    def __init__(self) -> None:
        super().__init__("another process is at the buybacks: wait for it, or end it")
