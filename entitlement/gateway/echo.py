"""A model for a laptop: answers with the last thing the user said, and reports honest usage.

A token is a word with the white space before it, so a text never has more tokens than bytes. Images and
embeddings are made in echo_media.py.
"""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from entitlement.client.json_values import as_list, as_object, as_whole, parse
from entitlement.gateway.echo_media import DIMENSIONS_DEFAULT, DIMENSIONS_MAX, in_base64, png, vector
from entitlement.gateway.sse import DONE, event

ANSWER_TOKENS_DEFAULT = 1024
IMAGES_MAX = 10
MODELS = ("echo", "echo-image", "echo-embedding")
"""What it says it has; in truth it answers to every name."""
_WORD = re.compile(r"\s*\S+")


def create_echo(*, seconds_per_token: float = 0.0) -> Starlette:
    """Return the echo server, as an ASGI application under `/v1`."""

    def answering(
        answer: Callable[[dict[str, object]], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                asked = as_object(parse(await request.body()))
                if asked is None:
                    return _refused("the body is not an object")
                return answer(asked)
            except ValueError as error:
                return _refused(str(error))

        return endpoint

    def complete(asked: dict[str, object]) -> Response:
        return _answer(asked, seconds_per_token)

    async def list_models(_: Request) -> Response:
        listed = [{"id": name, "object": "model", "owned_by": "echo"} for name in MODELS]
        return _json({"object": "list", "data": listed})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", answering(complete), methods=["POST"]),
            Route("/v1/images/generations", answering(_images), methods=["POST"]),
            Route("/v1/embeddings", answering(_embeddings), methods=["POST"]),
            Route("/v1/models", list_models),
        ]
    )


def _answer(asked: dict[str, object], seconds_per_token: float) -> Response:
    said = [_text(as_object(message)) for message in as_list(asked.get("messages")) or []]
    spoken = [
        _text(fields)
        for message in as_list(asked.get("messages")) or []
        if (fields := as_object(message)) is not None and fields.get("role") == "user"
    ]
    if not spoken:
        raise ValueError("there is no message of a user to echo")
    words = _WORD.findall(spoken[-1])
    cap = as_whole(asked.get("max_completion_tokens", asked.get("max_tokens"))) or ANSWER_TOKENS_DEFAULT
    answer = words[:cap]
    reason = "stop" if len(answer) == len(words) else "length"
    prompt_tokens = sum(len(_WORD.findall(text)) for text in said)
    usage: dict[str, object] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": len(answer),
        "total_tokens": prompt_tokens + len(answer),
    }
    head: dict[str, object] = {
        "id": f"chatcmpl-{time.time_ns()}",
        "created": int(time.time()),
        "model": asked.get("model"),
    }
    if asked.get("stream") is True:
        options = as_object(asked.get("stream_options")) or {}
        events = _stream(head, answer, reason, usage if options.get("include_usage") is True else None)
        return StreamingResponse(_paced(events, seconds_per_token), media_type="text/event-stream")
    message = {"role": "assistant", "content": "".join(answer)}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return _json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


def _stream(
    head: dict[str, object], words: Sequence[str], reason: str, usage: dict[str, object] | None
) -> list[bytes]:
    chunk = {**head, "object": "chat.completion.chunk"}
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas.extend({"content": word} for word in words)
    events: list[dict[str, object]] = [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    events.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if usage is not None:
        events.append({**chunk, "choices": [], "usage": usage})
    return [*(orjson.dumps(each) for each in events), DONE]


def _images(asked: dict[str, object]) -> Response:
    prompt = _string(asked.get("prompt"), "prompt")
    size = _string(asked["size"], "size") if "size" in asked else None
    if asked.get("response_format", "b64_json") != "b64_json":
        raise ValueError("images have no address here: ask for b64_json")
    number = as_whole(asked.get("n", 1))
    if not number or number > IMAGES_MAX:
        raise ValueError(f"n is from 1 to {IMAGES_MAX}")
    images = [{"b64_json": b64encode(png(prompt, each, size)).decode()} for each in range(number)]
    return _json({"created": int(time.time()), "data": images})


def _embeddings(asked: dict[str, object]) -> Response:
    given = asked.get("input")
    entries = [given] if isinstance(given, str) else as_list(given) or []
    texts = [_string(entry, "input") for entry in entries]
    dimensions = as_whole(asked.get("dimensions", DIMENSIONS_DEFAULT))
    if not dimensions or dimensions > DIMENSIONS_MAX:
        raise ValueError(f"dimensions are from 1 to {DIMENSIONS_MAX}")
    vectors = [vector(text, dimensions) for text in texts]
    told = [in_base64(each) for each in vectors] if asked.get("encoding_format") == "base64" else vectors
    data = [{"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(told)]
    tokens = sum(len(_WORD.findall(text)) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _json({"object": "list", "data": data, "model": asked.get("model"), "usage": usage})


async def _paced(events: Sequence[bytes], seconds: float) -> AsyncIterator[bytes]:
    for each in events:
        yield event(each)
        await asyncio.sleep(seconds)


def _string(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} is not made of strings")


def _text(message: dict[str, object] | None) -> str:
    content = (message or {}).get("content")
    if isinstance(content, str):
        return content
    texts = [(as_object(part) or {}).get("text") for part in as_list(content) or []]
    return "".join(text for text in texts if isinstance(text, str))


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def _refused(problem: str) -> Response:
    return _json({"error": {"message": problem, "type": "invalid_request_error"}}, 400)
