"""The door for gateways: the calls that every request of a model waits for, before any framework.

What FastAPI does for a route costs more than the ledger's decision. Here a call is read, asked together with
the others that wait, and answered; errors look as they do everywhere. Everything else goes on to FastAPI,
which describes these routes too (api.gateway). Of a gateway that is known the connection itself reads the
call (api.door_protocol), and both ways end in `Door.reply`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from entitlement.api import problems
from entitlement.api.addresses import Addresses, bearer_of, secret_in
from entitlement.api.calls import BY_NAME, Call, find
from entitlement.api.hold_schemas import MOST_OPERATIONS
from entitlement.api.problems import Answer
from entitlement.core.address_rates import Verdict
from entitlement.core.errors import EntitlementError, InvalidRequest, NotAuthenticated
from entitlement.core.keys import hash_secret
from entitlement.core.operations import Operation
from entitlement.flows.answer_together import AnswerTogether
from entitlement.flows.spend_credit import HoldAnswer, Outcome, Question
from entitlement.wiring.service import Service

BATCH = "/v1/batch"
LARGEST_BODY = 64 * 1024
LARGEST_BATCH = 1024 * 1024
"""Bytes; a lease tells of up to 1,000 requests, and a batch has up to 1,000 calls."""
LONGEST_ID = 64
MOST_TOKENS = 1_000
JSON_HEADERS = ((b"content-type", b"application/json"),)
REPLAYED = (b"idempotency-replayed", b"true")
Gateway = tuple[int, bytes]
"""Its id, and the hash of the token that it was known by."""


@dataclass(slots=True)
class Ask:
    """What is asked of the door at one of its addresses."""

    call: Call | None
    """None for a batch of them."""
    id_in_path: str

    @property
    def route(self) -> str:
        """Return the address as it is declared."""
        return BATCH if self.call is None else self.call.route

    @property
    def has_body(self) -> bool:
        """Whether what is sent is read; where not, nobody waits for it."""
        return self.call is None or self.call.model is not None

    @property
    def largest(self) -> int:
        """Return how many bytes are read at most."""
        is_large = self.call is None or self.call.route.startswith("/v1/leases/")
        return LARGEST_BATCH if is_large else LARGEST_BODY


class Door:
    """Answers the calls of gateways."""

    def __init__(self, service: Service, addresses: Addresses) -> None:
        self._service = service
        self._addresses = addresses
        self._together = AnswerTogether(service.spend)
        self._tokens: dict[bytes, int] = {}

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a call, or return False where it is none of ours."""
        ask = ask_at(scope["method"], scope["path"])
        if ask is None:
            return False
        try:
            gateway = await self._authenticate(scope)
            sent = await _body(receive, ask.largest) if ask.has_body else b""
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            answer = _told(scope, ask, error)
        else:
            kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
            answer = await self.reply(scope, ask, gateway, kind, sent)
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return True

    def known(self, authorization: bytes) -> Gateway | None:
        """Return the gateway that shows a token which was good before, or None: then `answer` looks it up."""
        secret = secret_in(authorization)
        if secret is None:
            return None
        token_hash = hash_secret(secret)
        gateway_id = self._tokens.get(token_hash)
        return None if gateway_id is None else (gateway_id, token_hash)

    async def reply(self, scope: Scope, ask: Ask, gateway: Gateway, kind: bytes, sent: bytes) -> Answer:
        """Return the answer to a call that was read whole: its media type, and its body.

        Whatever goes wrong is an answer too. `scope` says no more than where it was asked.
        """
        try:
            if ask.call is None:
                return await self._batch(gateway, _json(kind, sent))
            body = _json(kind, sent) if ask.has_body else None
            return await self._one(gateway, ask.call, ask.id_in_path, body)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            return _told(scope, ask, error)

    async def _one(self, gateway: Gateway, call: Call, id_in_path: str, sent: object) -> Answer:
        _check_id(id_in_path)
        [outcome] = await self._ask(gateway, [call.read(id_in_path, sent)])
        if isinstance(outcome, EntitlementError):
            return problems.refusal(outcome)
        status, body = _outcome(call, outcome)
        headers = JSON_HEADERS if outcome.refusal is None else problems.headers_of(outcome.refusal)
        if outcome.is_repeated:
            headers = (*headers, REPLAYED)
        return Answer(status, headers, orjson.dumps(body))

    async def _batch(self, gateway: Gateway, sent: object) -> Answer:
        """Answer each call of a batch as if it had come alone."""
        read = [_read(each) for each in _operations(sent)]
        operations = [each[1] for each in read if isinstance(each, tuple)]
        outcomes = iter(await self._ask(gateway, operations) if operations else [])
        answers: list[dict[str, object]] = []
        for each in read:
            status, body = _outcome(each[0], next(outcomes)) if isinstance(each, tuple) else _refused(each)
            answers.append({"status": status, "body": body})
        return Answer(200, JSON_HEADERS, orjson.dumps({"answers": answers}))

    async def _ask(self, gateway: Gateway, operations: Sequence[Operation]) -> Sequence[Outcome]:
        outcomes = await self._together.ask([Question(gateway[0], each, gateway[1]) for each in operations])
        if isinstance(outcomes[-1], NotAuthenticated):
            # Its token has ended: who still shows it is counted from now on.
            self._tokens.pop(gateway[1], None)
            self._addresses.forget(gateway[1])
        return outcomes

    async def _authenticate(self, scope: Scope) -> Gateway:
        """Return the gateway whose token the call carries. Raises NotAuthenticated and RateLimited."""
        secret = bearer_of(scope)
        if secret is None:
            self._addresses.count_anonymous(scope)
            raise NotAuthenticated("no service token was sent: Authorization: Bearer gw_...")
        token_hash = hash_secret(secret)
        known = self._tokens.get(token_hash)
        if known is None:
            known = await self._look_up(scope, secret, token_hash)
        # That it still is this gateway's token is looked up with the question.
        return known, token_hash

    async def _look_up(self, scope: Scope, secret: str, token_hash: bytes) -> int:
        guess, verdict = self._addresses.begin(scope, token_hash), Verdict.OPEN
        try:
            known = await run_in_threadpool(self._service.gateways.authenticate, secret)
            verdict = Verdict.GOOD
        except NotAuthenticated:
            verdict = Verdict.REFUSED
            raise
        finally:
            self._addresses.end(guess, verdict)
        if len(self._tokens) >= MOST_TOKENS:
            self._tokens.clear()
        self._tokens[token_hash] = known
        return known


def ask_at(method: str, path: str) -> Ask | None:
    """Return what is asked at an address, or None where it is none of the door's."""
    if not path.startswith("/v1/"):
        return None
    if path == BATCH and method == "POST":
        return Ask(None, "")
    found = find(method, path)
    return None if found is None else Ask(*found)


class _Route:
    """What the log calls a route."""

    def __init__(self, path: str) -> None:
        self.path = path


def _outcome(call: Call, outcome: Outcome) -> tuple[int, dict[str, object]]:
    if isinstance(outcome, HoldAnswer):
        body = call.answer(outcome)
        if outcome.refusal is None:
            return call.status, body
        status, refused = problems.body_of(outcome.refusal)
        return status, refused | body
    return problems.body_of(outcome)


def _refused(error: Exception) -> tuple[int, dict[str, object]]:
    if isinstance(error, EntitlementError):
        return problems.body_of(error)
    assert isinstance(error, RequestValidationError)
    return problems.body_of_invalid(error)


def _read(sent: object) -> tuple[Call, Operation] | Exception:
    """Return what one call of a batch asks, or why it cannot be asked."""
    try:
        if not isinstance(sent, dict):
            raise InvalidRequest("a call of a batch is a JSON object", field="operations")
        fields = cast("dict[str, object]", sent).copy()
        name, id_in_path = fields.pop("op", None), fields.pop("id", "")
        call = BY_NAME.get(name) if isinstance(name, str) else None
        if call is None:
            raise InvalidRequest(f"op must be one of {', '.join(BY_NAME)}", field="op")
        if not isinstance(id_in_path, str) or bool(id_in_path) is not call.takes_id:
            raise InvalidRequest(_ABOUT_IDS[bool(id_in_path)], field="id")
        _check_id(id_in_path)
        return call, call.read(id_in_path, fields)
    except (EntitlementError, RequestValidationError) as error:
        return error


_ABOUT_IDS = {
    True: "id is the hold's or lease's that the call is about; this call is about none",
    False: "id is missing: the hold or lease that the call is about",
}


def _operations(sent: object) -> Sequence[object]:
    fields = cast("dict[str, object]", sent) if isinstance(sent, dict) else {}
    operations = cast("list[object]", fields.get("operations"))
    is_list = isinstance(operations, list) and len(fields) == 1  # pyright: ignore[reportUnnecessaryIsInstance] - it is what somebody sent
    if not is_list or not 1 <= len(operations) <= MOST_OPERATIONS:
        raise InvalidRequest(
            f"operations must be a list of 1 to {MOST_OPERATIONS} calls, and there is nothing beside it",
            field="operations",
        )
    return operations


def _check_id(id_in_path: str) -> None:
    if len(id_in_path) > LONGEST_ID:
        raise InvalidRequest(f"an id has at most {LONGEST_ID} characters", field="id")


async def _body(receive: Receive, largest: int) -> bytes:
    """Return the whole body. Raises HTTPException where it is too large, or does not come."""
    body = bytearray()
    while True:  # ends: a body has an end, or is too large
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the client left before it had sent all")
        body += message.get("body", b"")
        if len(body) > largest:
            raise HTTPException(413, f"the body is larger than {largest} bytes, which no request needs")
        if not message.get("more_body", False):
            return bytes(body)


def _json(kind: bytes, sent: bytes) -> object:
    """Return what a body of a media type says. Raises RequestValidationError."""
    if not kind.startswith(b"application/json"):
        raise RequestValidationError([{"type": "dict_type", "loc": ("body",), "msg": "", "input": None}])
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError as error:
        found = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "", "input": None}
        raise RequestValidationError([found]) from None


def _told(scope: Scope, ask: Ask, error: Exception) -> Answer:
    told = problems.answer_to(Request({**scope, "route": _Route(ask.route)}), error)
    headers = [(name, value) for name, value in told.raw_headers if name != b"content-length"]
    return Answer(told.status_code, headers, bytes(told.body))
