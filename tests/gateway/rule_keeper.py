"""A small service that keeps the protocol's rules in memory, over real HTTP, with a clock of the test's own.

It does what the real one does for charges, extends, leases and batches, and keeps count of what it was asked.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "a gateway's token"
Fields = dict[str, Any]


class Refused(Exception):
    def __init__(self, status: int, code: str, **figures: object) -> None:
        self.status = status
        self.body: Fields = {"type": "about:blank", "title": code, "status": status, "detail": code}
        self.body |= {"code": code, **figures}


@dataclass
class Credit:
    """An account with one key."""

    granted: int
    available: int = 0
    held: int = 0
    spent: int = 0
    shortfall: int = 0
    revoked: bool = False

    def __post_init__(self) -> None:
        self.available = self.granted

    def set_aside(self, wanted: int, least: int) -> int:
        given = min(wanted, self.available)
        if given < least:
            raise Refused(402, "insufficient_credit", wanted=least, available=self.available, resets_at=9)
        self.available -= given
        self.held += given
        return given

    def charge(self, cost: int) -> None:
        """Take what is not set aside; what is not there is the operator's loss."""
        paid = min(cost, self.available)
        self.available -= paid
        self.spent += paid
        self.shortfall += cost - paid

    def check(self) -> None:
        assert self.available >= 0
        assert self.held >= 0
        assert self.available + self.held + self.spent == self.granted


@dataclass
class Set:
    """Credit set aside: a hold or a lease."""

    id: str
    key: str
    request_id: str
    amount: int
    expires_at: float
    final: bool
    state: str = "open"
    spent: int = 0
    captured: int = 0
    told: int = 0


@dataclass
class RuleKeeper:
    """The service."""

    clock: Callable[[], float] = time.monotonic
    credit: dict[str, Credit] = field(default_factory=dict)
    kept: dict[str, Set] = field(default_factory=dict)
    answered: dict[str, tuple[Fields, Fields]] = field(default_factory=dict)
    calls: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    touched: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each lease was asked about."""
    told: list[Fields] = field(default_factory=list)
    """The requests that leases paid for, each once."""
    usages: list[Fields] = field(default_factory=list)
    down: bool = False
    limited: int | None = None
    """While set, everything is 429 with so many seconds."""
    day_ends_at: float = float("inf")

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/batch", self._serve, methods=["POST"]),
                Route("/v1/{kind}", self._serve, methods=["POST"]),
                Route("/v1/{kind}/{id}/{verb}", self._serve, methods=["POST"]),
            ]
        )

    def check(self) -> None:
        """The books close, and the operator has lost nothing."""
        for credit in self.credit.values():
            credit.check()
            assert credit.shortfall == 0

    async def _serve(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse(Refused(401, "not_authenticated").body, 401)
        if self.down:
            return JSONResponse({}, 503)
        body: Fields = await request.json() if await request.body() else {}
        if request.url.path == "/v1/batch":
            return JSONResponse({"answers": [self._answer(each) for each in body["operations"]]})
        names = {"holds": "hold", "charges": "charge", "leases": "open_lease"}
        verb = request.path_params.get("verb")
        lease = "_lease" if request.path_params["kind"] == "leases" else ""
        op = names[request.path_params["kind"]] if verb is None else f"{verb}{lease}"
        given = self._answer({"op": op, **({"id": request.path_params["id"]} if verb else {}), **body})
        return JSONResponse(given["body"], given["status"])

    def _answer(self, operation: Fields) -> Fields:
        op = operation["op"]
        self.calls[op] += 1
        self._expire()
        if self.limited is not None:
            figures = {"of": "key", "requests": 1, "seconds": 1, "retry_after": self.limited}
            return {"status": 429, "body": Refused(429, "rate_limited", **figures).body}
        try:
            status = 201 if op in {"hold", "charge", "open_lease"} else 200
            return {"status": status, "body": getattr(self, f"_{op}")(operation)}
        except Refused as refused:
            return {"status": refused.status, "body": refused.body}

    def _expire(self) -> None:
        now = self.clock()
        for each in self.kept.values():
            if each.state == "open" and now >= each.expires_at:
                self._end(each, "expired", 0)

    def _account(self, key: str) -> Credit:
        credit = self.credit.get(key)
        if credit is None:
            raise Refused(401, "unknown_key")
        if credit.revoked:
            raise Refused(401, "key_revoked", revoked_at=1)
        return credit

    def _new(self, operation: Fields, make: Callable[[Credit], Fields]) -> Fields:
        name = operation["request_id"]
        credit = self._account(operation["key"])
        if name in self.answered:
            before, answer = self.answered[name]
            if before != operation:
                raise Refused(409, "idempotency_key_reused")
            return answer
        answer = make(credit)
        self.answered[name] = (operation, answer)
        return answer

    def _set(self, operation: Fields, credit: Credit, prefix: str) -> Set:
        amount = credit.set_aside(operation["amount"], operation.get("minimum", operation["amount"]))
        expires_at = min(self.clock() + operation.get("ttl", 600), self.day_ends_at)
        name = f"{prefix}_{len(self.kept)}"
        final = credit.available == 0
        kept = Set(name, operation["key"], operation["request_id"], amount, expires_at, final)
        self.kept[name] = kept
        return kept

    def _end(self, kept: Set, state: str, cost: int) -> None:
        credit = self.credit[kept.key]
        left = kept.amount - kept.spent
        credit.held -= left
        paid = min(cost, left)
        credit.spent += paid
        credit.available += left - paid
        credit.charge(cost - paid)
        kept.state = state

    # --- holds ---------------------------------------------------------------------------------------

    def _hold(self, operation: Fields) -> Fields:
        return self._new(operation, lambda credit: self._hold_out(self._set(operation, credit, "hold")))

    def _extend(self, operation: Fields) -> Fields:
        hold = self._of(operation, "hold")
        credit = self.credit[hold.key]
        least = operation.get("minimum", operation["amount"])
        more = operation["amount"] - hold.amount
        if more > 0:
            hold.amount += credit.set_aside(more, max(least - hold.amount, 0))
        hold.final = credit.available == 0
        return self._hold_out(hold)

    def _capture(self, operation: Fields) -> Fields:
        hold = self._of(operation, "hold")
        if hold.state == "open":
            hold.captured = operation["amount"]
            self.usages.append(operation.get("usage", {}))
            self._end(hold, "captured", hold.captured)
        elif hold.state != "captured" or hold.captured != operation["amount"]:
            raise Refused(409, "hold_already_ended")
        return self._hold_out(hold)

    def _release(self, operation: Fields) -> Fields:
        hold = self._of(operation, "hold")
        if hold.state == "open":
            self._end(hold, "released", 0)
        return self._hold_out(hold)

    def _charge(self, operation: Fields) -> Fields:
        def make(credit: Credit) -> Fields:
            hold = self._set(operation, credit, "hold")
            hold.captured = hold.amount
            self._end(hold, "captured", hold.amount)
            self.usages.append(operation.get("usage", {}))
            return self._hold_out(hold)

        return self._new(operation, make)

    # --- leases --------------------------------------------------------------------------------------

    def _open_lease(self, operation: Fields) -> Fields:
        def make(credit: Credit) -> Fields:
            lease = self._set(operation, credit, "lease")
            self.touched[lease.id].append(self.clock())
            return self._lease_out(lease)

        return self._new(operation, make)

    def _renew_lease(self, operation: Fields) -> Fields:
        lease = self._of(operation, "lease")
        self.touched[lease.id].append(self.clock())
        self._book(lease, operation)
        credit = self.credit[lease.key]
        if lease.state == "open":
            if credit.revoked:
                self._end(lease, "returned", 0)
                raise Refused(401, "key_revoked", revoked_at=1, **self._lease_out(lease))
            more = operation["amount"] - (lease.amount - lease.spent)
            if more > 0:
                lease.amount += credit.set_aside(min(more, credit.available), 0)
            else:
                lease.amount += more
                credit.held += more
                credit.available -= more
            lease.final = credit.available == 0
            least = operation.get("minimum", operation["amount"])
            if lease.amount - lease.spent < least:
                figures = {"wanted": least, "available": credit.available, "resets_at": 9}
                raise Refused(402, "insufficient_credit", **figures, **self._lease_out(lease))
            lease.expires_at = min(self.clock() + operation["ttl"], self.day_ends_at)
        return self._lease_out(lease)

    def _return_lease(self, operation: Fields) -> Fields:
        lease = self._of(operation, "lease")
        self.touched[lease.id].append(self.clock())
        self._book(lease, operation)
        if lease.state == "open":
            self._end(lease, "returned", 0)
        return self._lease_out(lease)

    def _book(self, lease: Set, operation: Fields) -> None:
        if self.clock() >= lease.expires_at + 3600:
            raise Refused(410, "hold_expired", expired_at=int(lease.expires_at))
        more = max(operation["spent"] - lease.spent, 0)
        if lease.state == "returned":
            if more:
                raise Refused(409, "hold_already_ended")
            return
        if "requests" in operation:
            new = [each for each in operation["requests"] if each["number"] > lease.told]
            if sum(each["cost"] for each in new) != more:
                raise Refused(400, "invalid_request")
            lease.told = max([lease.told, *(each["number"] for each in new)])
            self.told += new
        credit = self.credit[lease.key]
        if lease.state == "open":
            paid = min(more, lease.amount - lease.spent)
            credit.held -= paid
            credit.spent += paid
            credit.charge(more - paid)
        else:
            credit.charge(more)
        lease.spent += more

    # --- shapes --------------------------------------------------------------------------------------

    def _of(self, operation: Fields, prefix: str) -> Set:
        kept = self.kept.get(operation["id"])
        if kept is None or not kept.id.startswith(prefix):
            raise Refused(404, "unknown_hold")
        return kept

    def _balance(self, key: str) -> Fields:
        credit = self.credit[key]
        figures = {"available": credit.available, "held": credit.held, "diem": credit.available, "usd": 0}
        return {**figures, "epoch": 1, "resets_at": 9, "granted": credit.granted}

    def _hold_out(self, hold: Set) -> Fields:
        told = {"id": hold.id, "request_id": hold.request_id, "amount": hold.amount, "state": hold.state}
        told |= {"epoch": 1, "created_at": 1, "expires_at": 2, "captured": hold.captured, "shortfall": 0}
        funded_by = [{"source": "diem", "amount": hold.amount}]
        return {
            "hold": {**told, "final": hold.final, "funded_by": funded_by},
            "balance": self._balance(hold.key),
        }

    def _lease_out(self, lease: Set) -> Fields:
        remaining = max(lease.amount - lease.spent, 0) if lease.state == "open" else 0
        left = max(lease.expires_at - self.clock(), 0)
        told = {"id": lease.id, "amount": lease.amount, "spent": lease.spent, "remaining": remaining}
        told |= {"expires_at": 2, "expires_in": left, "epoch": 1}
        told |= {"state": lease.state, "final": lease.final, "funded_by": []}
        return {"lease": told, "balance": self._balance(lease.key)}
