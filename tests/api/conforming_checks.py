"""What schemathesis holds answers to beside its own checks; it imports this by its name."""

import os

import httpx
import schemathesis

from tests.api.support import assert_some_problem

MAY_BE_AWAY = os.environ.get("CONFORMING_WITHOUT_A_CHAIN") == "1"
"""Whether the service attacked has no chain to speak of: then it says so by 503, and not otherwise."""
READY = "/health/ready"
PAY_FIRST = "/api/v1/x402/top-up"
"""Its 402 is no refusal: it says how to pay."""


@schemathesis.check
def refusals_are_problems(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Hold every refusal to its form, and every answer to being no failure of the service."""
    status = response.status_code
    assert status < 500 or (status == 503 and MAY_BE_AWAY), f"the service failed: {status}"
    told = case.operation.path, status
    if status < 400 or told in {(READY, 503), (PAY_FIRST, 402)} or case.method.upper() == "HEAD":
        return
    assert response.request.url is not None
    request = httpx.Request(case.method, response.request.url)
    # The headers' names are in lower case, and each has a list of values.
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    assert_some_problem(httpx.Response(status, headers=headers, content=response.content, request=request))
