"""The credit service as far as docs/protocol.md describes it, in memory: another program, reached over HTTP.

One account for each key, one bucket of DIEM credit for each account. Strict about what gateways send.
"""

import secrets
import time
from dataclasses import asdict, dataclass, field
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HOLD_FIELDS = {"key", "amount", "minimum", "request_id", "ttl", "model"}
USAGE_FIELDS = {"model": str, "input_tokens": int, "output_tokens": int, "latency_ms": int, "status": int}


class Problem(Exception):
    def __init__(self, status: int, code: str, **figures: object) -> None:
        super().__init__(code)
        self.status, self.code, self.figures = status, code, figures


@dataclass
class Account:
    available: int
    held: int = 0
    captured: int = 0


@dataclass
class HeldCredit:
    id: str
    request_id: str
    amount: int
    epoch: int
    created_at: int
    expires_at: int
    final: bool
    state: str = "open"
    captured: int = 0
    shortfall: int = 0
    funded_by: list[dict[str, object]] = field(default_factory=list)


class StandIn:
    def __init__(self) -> None:
        self.service_token = secrets.token_urlsafe(16)
        self.accounts: dict[str, Account] = {}
        self.holds: dict[str, HeldCredit] = {}
        self.owners: dict[str, Account] = {}
        self.answers: dict[str, tuple[object, object]] = {}
        """What a request id was asked for, and what it was told."""
        self.usages: list[dict[str, object]] = []
        self.app = Starlette(
            routes=[
                Route("/v1/holds", self.place, methods=["POST"]),
                Route("/v1/holds/{id}", self.look_up),
                Route("/v1/holds/{id}/capture", self.capture, methods=["POST"]),
                Route("/v1/holds/{id}/release", self.release, methods=["POST"]),
                Route("/v1/keys/introspect", self.introspect),
            ],
            exception_handlers={Problem: self.problem},
        )

    def make_key(self, credit_nano_usd: int) -> str:
        secret = f"ek_{secrets.token_urlsafe(24)}"
        self.accounts[secret] = Account(available=credit_nano_usd)
        return secret

    def account_state(self, secret: str) -> dict[str, int]:
        return asdict(self.accounts[secret])

    async def problem(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        body = {"type": "about:blank", "title": error.code, "status": error.status, "detail": error.code}
        return JSONResponse(
            {**body, "code": error.code, **error.figures},
            error.status,
            media_type="application/problem+json",
        )

    async def place(self, request: Request) -> Response:
        self.authenticate(request)
        asked = await request.json()
        if set(asked) - HOLD_FIELDS or not {"key", "amount", "request_id"} <= set(asked):
            raise Problem(400, "invalid_request", fields=sorted(asked))
        amount, request_id = whole(asked["amount"], 1, 2**53 - 1), asked["request_id"]
        minimum = whole(asked.get("minimum", amount), 1, amount)
        ttl = whole(asked.get("ttl", 600), 1, 3600)
        if not (1 <= len(request_id) <= 128 and request_id.isprintable()):
            raise Problem(400, "invalid_request", field="request_id")
        if request_id in self.answers:
            before, told = self.answers[request_id]
            if before != asked:
                raise Problem(409, "idempotency_key_reused", request_id=request_id)
            if isinstance(told, Problem):
                raise told
            return JSONResponse(told, 201, headers={"idempotency-replayed": "true"})
        account = self.account(asked["key"])
        if account.available < minimum:
            refused = Problem(
                402,
                "insufficient_credit",
                wanted=minimum,
                available=account.available,
                resets_at=next_midnight(),
            )
            self.answers[request_id] = asked, refused
            raise refused
        given = min(amount, account.available)
        account.available -= given
        account.held += given
        now = int(time.time())
        hold = HeldCredit(
            id=uuid4().hex,
            request_id=request_id,
            amount=given,
            epoch=now // 86400,
            created_at=now,
            expires_at=now + ttl,
            final=account.available == 0,
            funded_by=[{"source": "diem", "amount": given}],
        )
        self.holds[hold.id], self.owners[hold.id] = hold, account
        told = {"hold": asdict(hold), "balance": balance(account)}
        self.answers[request_id] = asked, told
        return JSONResponse(told, 201)

    async def capture(self, request: Request) -> Response:
        asked = await request.json()
        if set(asked) - {"amount", "usage"}:
            raise Problem(400, "invalid_request", fields=sorted(asked))
        amount = whole(asked.get("amount"), 0, 2**53 - 1)
        usage = asked.get("usage", {})
        for name, value in usage.items():
            if name not in USAGE_FIELDS or type(value) is not USAGE_FIELDS[name]:
                raise Problem(400, "invalid_request", field=name)
        hold, account = self.held(request)
        if hold.state == "captured" and hold.captured + hold.shortfall == amount:
            return JSONResponse({"hold": asdict(hold), "balance": balance(account)})
        if hold.state != "open":
            raise Problem(409, "hold_already_ended", state=hold.state, captured=hold.captured)
        self.usages.append(usage)
        over = max(amount - hold.amount, 0)
        taken = min(amount, hold.amount) + min(over, account.available)
        account.held -= hold.amount
        account.available += hold.amount - taken
        account.captured += taken
        hold.state, hold.captured, hold.shortfall = "captured", taken, amount - taken
        return JSONResponse({"hold": asdict(hold), "balance": balance(account)})

    async def release(self, request: Request) -> Response:
        hold, account = self.held(request)
        if hold.state not in {"open", "released"}:
            raise Problem(409, "hold_already_ended", state=hold.state, captured=hold.captured)
        if hold.state == "open":
            account.held -= hold.amount
            account.available += hold.amount
            hold.state = "released"
        return JSONResponse({"hold": asdict(hold), "balance": balance(account)})

    async def look_up(self, request: Request) -> Response:
        return JSONResponse({"hold": asdict(self.held(request)[0])})

    async def introspect(self, request: Request) -> Response:
        self.authenticate(request)
        account = self.account(request.headers.get("x-api-key", ""))
        limits = {"period": "EPOCH", "diem": None, "usd": None}
        key = {"id": "key_1", "description": "", "expires_at": None, "type": "INFERENCE", "limits": limits}
        return JSONResponse({"key": key, "balance": balance(account)})

    def authenticate(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.service_token}":
            raise Problem(401, "not_authenticated")

    def account(self, secret: str) -> Account:
        if secret not in self.accounts:
            raise Problem(401, "unknown_key")
        return self.accounts[secret]

    def held(self, request: Request) -> tuple[HeldCredit, Account]:
        self.authenticate(request)
        hold = self.holds.get(request.path_params["id"])
        if hold is None:
            raise Problem(404, "unknown_hold")
        return hold, self.owners[hold.id]


def balance(account: Account) -> dict[str, int]:
    return {
        "available": account.available,
        "held": account.held,
        "diem": account.available,
        "usd": 0,
        "epoch": int(time.time()) // 86400,
        "resets_at": next_midnight(),
        "granted": account.available + account.held + account.captured,
    }


def next_midnight() -> int:
    return (int(time.time()) // 86400 + 1) * 86400


def whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Problem(400, "invalid_request", least=least, most=most)
    return value
