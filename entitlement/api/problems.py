"""Errors at the edge: every expected failure has one status and one stable code, in this table alone.

Bodies are RFC 9457 problems. Under /api/v1 they also carry `error`, which clients of the live system read.
"""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from entitlement.core import errors

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 1

STATUS_AND_CODE: dict[type[errors.EntitlementError], tuple[int, str]] = {
    errors.MalformedAddress: (400, "malformed_address"),
    errors.InvalidAmount: (400, "invalid_amount"),
    errors.InvalidRequest: (400, "invalid_request"),
    errors.SignInRefused: (400, "sign_in_refused"),
    errors.NotAuthenticated: (401, "not_authenticated"),
    errors.UnknownKey: (401, "unknown_key"),
    errors.KeyExpired: (401, "key_expired"),
    errors.KeyRevoked: (401, "key_revoked"),
    errors.InsufficientCredit: (402, "insufficient_credit"),
    errors.KeyLimitReached: (402, "key_limit_reached"),
    errors.NotAllowed: (403, "not_allowed"),
    errors.UnknownHold: (404, "unknown_hold"),
    errors.UnknownApiKeyId: (404, "unknown_key_id"),
    errors.IdempotencyKeyReused: (409, "idempotency_key_reused"),
    errors.HoldAlreadyEnded: (409, "hold_already_ended"),
    errors.TooManyKeys: (409, "too_many_keys"),
    errors.HoldExpired: (410, "hold_expired"),
}

UNAVAILABLE = (503, "unavailable")


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
    body: dict[str, object] = {
        "type": f"urn:entitlement:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    body |= {name: value for name, value in (facts or {}).items() if name not in body}
    if request.url.path.startswith("/api/v1/"):
        body["error"] = detail
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Make every failure of `app` a problem."""
    app.add_exception_handler(errors.EntitlementError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in (OperationalError, InterfaceError, PoolTimeout, DBAPIError):
        app.add_exception_handler(kind, _database)
    app.add_exception_handler(Exception, _unexpected)


def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.EntitlementError)
    status, code = STATUS_AND_CODE.get(type(error), UNAVAILABLE)
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return problem(request, status, code, str(error), facts=error.facts(), headers=headers)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Where and what, never the input: it may be a secret.
    found = [
        {"field": ".".join(str(part) for part in each["loc"][1:]), "message": each["msg"]}
        for each in error.errors()
    ]
    detail = "; ".join(f"{each['field'] or 'body'}: {each['message']}" for each in found)
    return problem(request, 400, "invalid_request", detail, facts={"errors": found})


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).name.lower()
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return problem(request, error.status_code, code, detail, headers=error.headers)


def _database(request: Request, error: Exception) -> JSONResponse:
    # Its text may quote values; the class says enough.
    log.error("database_unavailable", error=type(error).__name__, path=request.url.path)
    return problem(
        request,
        503,
        "unavailable",
        "the ledger cannot be reached at the moment: nothing was charged that was not answered; try again",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected_error", error=type(error).__name__, path=request.url.path)
    return problem(request, 500, "internal_error", "an error on our side; it was logged")
