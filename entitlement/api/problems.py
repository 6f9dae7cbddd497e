"""Errors at the edge: every expected failure has one status and one stable code, in this table alone.

Bodies are RFC 9457 problems. Under /api/v1 they also carry `error`, which clients of the live system read.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entitlement.core import errors
from entitlement.telemetry import where

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 1
DATABASE_LOST = (OperationalError, InterfaceError, PoolTimeout)

STATUS_AND_CODE: dict[type[errors.EntitlementError], tuple[int, str]] = {
    errors.MalformedAddress: (400, "malformed_address"),
    errors.InvalidAmount: (400, "invalid_amount"),
    errors.InvalidRequest: (400, "invalid_request"),
    errors.SignInRefused: (400, "sign_in_refused"),
    errors.NotAuthenticated: (401, "not_authenticated"),
    errors.UnknownKey: (401, "unknown_key"),
    errors.KeyExpired: (401, "key_expired"),
    errors.KeyRevoked: (401, "key_revoked"),
    errors.KeySuspended: (401, "key_suspended"),
    errors.KeyPaused: (401, "key_paused"),
    errors.KeyRotated: (401, "key_rotated"),
    errors.InsufficientCredit: (402, "insufficient_credit"),
    errors.KeyLimitReached: (402, "key_limit_reached"),
    errors.NotAllowed: (403, "not_allowed"),
    errors.UnknownHold: (404, "unknown_hold"),
    errors.UnknownApiKeyId: (404, "unknown_key_id"),
    errors.UnknownRequest: (404, "unknown_request"),
    errors.UnknownEpoch: (404, "unknown_epoch"),
    errors.UnknownStatement: (404, "unknown_statement"),
    errors.IdempotencyKeyReused: (409, "idempotency_key_reused"),
    errors.HoldAlreadyEnded: (409, "hold_already_ended"),
    errors.TooManyKeys: (409, "too_many_keys"),
    errors.HoldsStillOpen: (409, "holds_open"),
    errors.HoldExpired: (410, "hold_expired"),
    errors.RateLimited: (429, "rate_limited"),
}

UNAVAILABLE = (503, "unavailable")

CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
"""What the framework refuses before any flow is asked. Not Python's names, which change between versions."""

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
LONGEST_FIELD_NAME = 64
"""Of an unknown field's name so much is said back: whatever it is, somebody else chose it."""


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an RFC 9457 answer; `facts` become members of their own."""
    body = problem_body(status, code, detail, facts)
    if f"{request.url.path}/".startswith("/api/v1/"):
        body["error"] = detail
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def problem_body(
    status: int, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the members of an RFC 9457 answer."""
    body: dict[str, object] = {
        "type": f"urn:entitlement:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return body | {name: value for name, value in (facts or {}).items() if name not in body}


def body_of(error: errors.EntitlementError) -> tuple[int, dict[str, object]]:
    """Return the status and the members of the answer to an expected error."""
    status, code = STATUS_AND_CODE.get(type(error), UNAVAILABLE)
    return status, problem_body(status, code, str(error), error.facts())


class Answer(NamedTuple):
    """An answer where there is no framework."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case; the length of the body is not among them."""
    body: bytes


def refusal(error: errors.EntitlementError) -> Answer:
    """Return the answer to an expected error where there is no framework, and no address of the live system.

    The same as `answer_to`, for those who are refused thousands of times a second.
    """
    status, body = body_of(error)
    return Answer(status, headers_of(error), orjson.dumps(body))


def headers_of(error: errors.EntitlementError) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers of the answer to an expected error where there is no framework."""
    status, _ = STATUS_AND_CODE.get(type(error), UNAVAILABLE)
    told = _headers_of(error, status).items()
    return [
        (b"content-type", b"application/problem+json"),
        *((name.lower().encode(), value.encode()) for name, value in told),
    ]


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """Return the answer to any error, as the routes of the framework give it."""
    if isinstance(error, errors.EntitlementError):
        return _expected(request, error)
    if isinstance(error, RequestValidationError):
        return _invalid(request, error)
    if isinstance(error, HTTPException):
        return _http(request, error)
    if isinstance(error, DATABASE_LOST):
        return _database(request, error)
    return _unexpected(request, error)


def install(app: FastAPI) -> None:
    """Make every failure of `app` a problem."""
    app.add_exception_handler(errors.EntitlementError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    # Not its other errors: a violated constraint is a bug of ours, and trying again would not mend it.
    for kind in DATABASE_LOST:
        app.add_exception_handler(kind, _database)
    app.add_middleware(AnswerUnexpected)


class AnswerUnexpected:
    """Make a problem of what nobody expected.

    Left to the framework it would be answered too, but then raised again to the server, which closes the
    connection and writes the error's text to the log: that may quote what somebody sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer if nobody has."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if has_begun or scope["type"] != "http":
                raise
            answer = _unexpected(Request(scope), error)
            await answer(scope, receive, send)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected_error", error=type(error).__name__, where=where(error), route=_route(request))
    return problem(request, 500, "internal_error", "an error on our side; it was logged")


def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.EntitlementError)
    status, code = STATUS_AND_CODE.get(type(error), UNAVAILABLE)
    return problem(request, status, code, str(error), facts=error.facts(), headers=_headers_of(error, status))


def _headers_of(error: errors.EntitlementError, status: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if error.is_repeated:
        headers["Idempotency-Replayed"] = "true"
    if isinstance(error, errors.RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    return headers


def body_of_invalid(error: RequestValidationError) -> tuple[int, dict[str, object]]:
    """Return the status and the members of the answer to a body that does not say what it must."""
    # Where and what, never the input: it may be a secret.
    found = [_field_and_message(each) for each in error.errors()]
    detail = "; ".join(f"{each['field'] or 'body'}: {each['message']}" for each in found)
    return 400, problem_body(400, "invalid_request", detail, {"errors": found})


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    status, body = body_of_invalid(error)
    return problem(request, status, str(body["code"]), str(body["detail"]), facts={"errors": body["errors"]})


def _field_and_message(found: Mapping[str, Any]) -> dict[str, str]:
    match found["type"], found["loc"]:
        case "json_invalid", (_, position):
            return {"field": "", "message": f"not JSON at character {position}"}
        case (("model_attributes_type" | "dict_type"), ("body",)):
            return {"field": "", "message": "send a JSON object, as Content-Type: application/json"}
        case _, (_, *parts):
            field = ".".join(str(part)[:LONGEST_FIELD_NAME] for part in parts)
            return {"field": field, "message": found["msg"]}
        case _:
            return {"field": "", "message": found["msg"]}


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, "refused")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return problem(request, error.status_code, code, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """Return what a path may be asked by: of its routes, one a method, the framework names only the first."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _database(request: Request, error: Exception) -> JSONResponse:
    # Its text may quote values; the class says enough.
    log.error("database_unavailable", error=type(error).__name__, route=_route(request))
    return problem(
        request,
        503,
        "unavailable",
        "the ledger cannot be reached at the moment, and whether this was done is not known: "
        "ask again, with the same request id where there is one, and it is done once",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _route(request: Request) -> str:
    """Return the route as it is declared: a path itself names wallets, or holds what somebody typed."""
    return getattr(request.scope.get("route"), "path", "none")
