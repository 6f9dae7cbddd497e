"""A model that answers after half a second with 100 tokens, whatever it is asked, and counts what it served.

    python scripts/peers/upstream.py 9301

Both gateways stand before the same one: what it served is what was admitted, whatever they say about it.
"""

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECONDS = 0.5
TOKENS = 100
"""Of each answer; fewer where the request has a lower cap."""


def create() -> Starlette:
    """Return the model, as an ASGI application."""
    served = 0

    async def complete(request: Request) -> Response:
        nonlocal served
        asked = await request.json()
        served += 1
        number = served
        await asyncio.sleep(SECONDS)
        tokens = min(TOKENS, asked.get("max_completion_tokens") or asked.get("max_tokens") or TOKENS)
        message = {"role": "assistant", "content": "yes"}
        return JSONResponse(
            {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "created": 0,
                "model": "bench",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1},
            }
        )

    async def count(_: Request) -> Response:
        return JSONResponse({"served": served})

    return Starlette(
        routes=[Route("/v1/chat/completions", complete, methods=["POST"]), Route("/served", count)]
    )


if __name__ == "__main__":
    uvicorn.run(create(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
