"""What is kept of a request once it is charged: its counts, and which currency paid."""

from collections.abc import Callable, Iterable

from entitlement.core.errors import InvalidRequest
from entitlement.core.holds import Hold, LeaseRequest, Usage
from entitlement.core.ledger import Part, Settlement, currency_of
from entitlement.core.limits import Currency
from entitlement.core.record import record
from entitlement.core.units import NanoUsd


@record
class UsageLine:
    """One request; `diem`, `usd` and `shortfall` are its cost in nano-USD, by who paid."""

    hold: Hold
    number: int
    request_id: str
    usage: Usage
    diem: NanoUsd
    usd: NanoUsd
    shortfall: NanoUsd

    @classmethod
    def of(
        cls,
        hold: Hold,
        number: int,
        request_id: str,
        usage: Usage,
        paid: Iterable[Part],
        shortfall: NanoUsd,
    ) -> "UsageLine":
        """Return the line of a request that `paid` and the operator's `shortfall` paid for."""
        diem = usd = 0
        for part in paid:
            if currency_of(part.source) is Currency.DIEM:
                diem += part.amount
            else:
                usd += part.amount
        return cls(hold, number, request_id, usage, NanoUsd(diem), NanoUsd(usd), shortfall)


def lines_of_lease(
    lease: Hold, spent: NanoUsd, requests: tuple[LeaseRequest, ...] | None
) -> Callable[[Settlement], list[UsageLine]]:
    """Return what makes the lines of a lease's requests once it is known who pays.

    Requests that were told before are left out. Raises InvalidRequest where the costs of the others are not
    what is newly `spent`.
    """
    if requests is None:
        new = [LeaseRequest(lease.told + 1, lease.request_id, spent, Usage())] if spent else []
    else:
        new = [request for request in requests if request.number > lease.told]
    told = sum(request.cost for request in new)
    if told != spent:
        raise InvalidRequest(
            f"the requests that are new cost {told} nano-USD together, but {spent} more was spent since the "
            f"lease was told of last (request {lease.told}, {lease.captured + lease.shortfall} nano-USD)",
            field="requests",
        )
    return lambda paid: _share_out(lease, new, paid)


def _share_out(lease: Hold, requests: list[LeaseRequest], paid: Settlement) -> list[UsageLine]:
    """Let each request be paid by what the ones before it have left of `paid`, in the order of spending."""
    left = [(part, part.amount) for part in paid.paid]
    lines: list[UsageLine] = []
    for request in requests:
        due = request.cost
        mine: list[Part] = []
        while due and left:
            part, amount = left[0]
            taken = NanoUsd(min(due, amount))
            due = NanoUsd(due - taken)
            mine.append(Part(part.bucket_id, part.source, taken))
            left[0] = (part, NanoUsd(amount - taken))
            if left[0][1] == 0:
                left.pop(0)
        lines.append(UsageLine.of(lease, request.number, request.request_id, request.usage, mine, due))
    return lines
