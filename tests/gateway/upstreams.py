"""Upstreams that misbehave; the model's name says how. They note what they were sent."""

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

WORDS = ["one ", "two ", "three ", "four "]


class Upstream:
    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.headers: list[dict[str, str]] = []
        self.closed_early = 0
        """Streams whose reader left before their end."""
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/v1/images/generations", self.make, methods=["POST"]),
                Route("/v1/embeddings", self.make, methods=["POST"]),
            ]
        )

    async def make(self, request: Request) -> Response:
        """Images and embeddings, which come as a whole."""
        asked = await request.json()
        self.bodies.append(asked)
        self.headers.append(dict(request.headers))
        kind = asked["model"]
        if kind in FIXED:
            return FIXED[kind]()
        if kind in BODIES:
            return StreamingResponse(BODIES[kind](), media_type="application/json")
        if kind == "hangs":
            await asyncio.sleep(30)
        if kind == "slow":
            await asyncio.sleep(0.5)
        return JSONResponse(images(asked) if "prompt" in asked else embeddings(asked))

    async def complete(self, request: Request) -> Response:
        asked = await request.json()
        self.bodies.append(asked)
        self.headers.append(dict(request.headers))
        kind = asked["model"]
        if kind in FIXED:
            return FIXED[kind]()
        if kind == "hangs":
            await asyncio.sleep(30)
        if kind == "endless":
            return StreamingResponse(endless(), media_type="text/event-stream")
        if kind in BODIES:
            return StreamingResponse(BODIES[kind](), media_type="application/json")
        if not asked.get("stream"):
            return self.whole(asked)
        answer = StreamingResponse(self.stream(asked), media_type="text/event-stream")
        answer.set_cookie("session", "one person's")
        return answer

    def whole(self, asked: dict[str, object]) -> Response:
        kind = asked["model"]
        said = str(asked["messages"][-1]["content"])
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        answer: dict[str, object] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": kind,
            "choices": [choice],
        }
        usage = USAGES.get(str(kind), {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})
        if usage is not None:
            answer["usage"] = usage
        return JSONResponse(answer)

    async def stream(self, asked: dict[str, object]) -> AsyncIterator[str]:
        kind = str(asked["model"])
        said = str(asked["messages"][-1]["content"])
        whole = False
        try:
            yield ": a comment first\n\n"
            for _ in range(60 if kind == "never-begins" else 0):
                yield ": still thinking\n\n"
                await asyncio.sleep(0.3)
            for word in [said, *WORDS]:
                yield chunk(kind, {"content": word})
                await asyncio.sleep(0.3 if kind == "slow" else 0)
            for line in await STREAMED[kind](kind, said):
                yield line
            if kind in BREAKS_AT_THE_END:
                raise ConnectionAbortedError
            whole = True
        finally:
            self.closed_early += not whole


def images(asked: dict[str, object]) -> dict[str, object]:
    wanted = int(str(asked["n"]))
    pictures: list[dict[str, object]] = [{"b64_json": f"{PICTURE}{number}"} for number in range(wanted)]
    made = {
        "fewer": pictures[:-1],
        "more": [*pictures, {"b64_json": PICTURE}],
        "none": [],
        "filtered": [*pictures[:-1], {"b64_json": None, "revised_prompt": "something else"}],
        "all-filtered": [{"b64_json": ""}] * wanted,
        "addresses": [{"url": "https://upstream.example/1.png"}] * wanted,
        "odd-entries": ["a picture"] * wanted,
        "revised": [{**each, "revised_prompt": "a cat, awake", "seed": 1} for each in pictures],
        "large": [{"b64_json": PICTURE + "A" * 40_000}] * wanted,
    }
    kind = str(asked["model"])
    return {"created": 7, "data": made.get(kind, pictures), "model": kind, "our_account": "sk-operator"}


def embeddings(asked: dict[str, object]) -> dict[str, object]:
    given = asked["input"]
    texts = [given] if isinstance(given, str) else list(given)
    vectors: list[object] = [[0.5, -0.5]] * len(texts)
    kind = str(asked["model"])
    made = {"fewer": vectors[:-1], "more": [*vectors, [1.0]], "none": [], "odd-entries": [None] * len(texts)}
    data = [
        {"object": "embedding", "index": index, "embedding": each}
        for index, each in enumerate(made.get(kind, vectors))
    ]
    answer: dict[str, object] = {"object": "list", "data": data, "model": kind}
    usage = USAGES.get(kind, {"prompt_tokens": 5, "total_tokens": 5})
    return answer if usage is None else {**answer, "usage": usage}


PICTURE = "iVBORw0KGgo"
"""How every PNG begins, in base64."""


async def proper_end(kind: str, _: str) -> list[str]:
    usage = USAGES.get(kind, {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})
    told = "data: " + json.dumps({**head(kind), "choices": [], "usage": usage}) + "\n\n"
    done = "data: [DONE]\n\n"
    return [chunk(kind, {}, "stop"), told if usage else "", done if kind != "no-done" else ""]


async def half_end(kind: str, said: str) -> list[str]:
    """The reason for the end, without the usage that should follow."""
    del said
    return [chunk(kind, {}, "stop")]


async def told_end(kind: str, said: str) -> list[str]:
    return (await proper_end(kind, said))[:-1]


async def dead_end(_: str, __: str) -> list[str]:
    raise ConnectionAbortedError


async def silent_end(_: str, __: str) -> list[str]:
    await asyncio.sleep(30)
    return []


async def garbage_end(_: str, said: str) -> list[str]:
    return ["data: {this is no JSON " + said + "\n\n"]


async def error_end(_: str, __: str) -> list[str]:
    return ['data: {"error": {"message": "our key sk-operator is out of money"}}\n\n']


async def early_end(_: str, __: str) -> list[str]:
    return []


async def endless() -> AsyncIterator[str]:
    while True:
        yield chunk("endless", {"content": "word " * 10_000})
        # To a reader who has left, sending does not wait: give the server a chance to notice.
        await asyncio.sleep(0)


async def body_that_dies() -> AsyncIterator[str]:
    yield '{"choices": ['
    raise ConnectionAbortedError


async def body_that_hangs() -> AsyncIterator[str]:
    yield '{"choices": ['
    await asyncio.sleep(30)


async def body_without_end() -> AsyncIterator[str]:
    for _ in range(40):
        yield " " * 2**20


BODIES = {
    "body-dies": body_that_dies,
    "body-hangs": body_that_hangs,
    "body-without-end": body_without_end,
}

STREAMED = {
    "good": proper_end,
    "slow": proper_end,
    "no-done": proper_end,
    "no-usage": proper_end,
    "zero-usage": proper_end,
    "huge-usage": proper_end,
    "odd-usage": proper_end,
    "absurd-usage": proper_end,
    "never-begins": proper_end,
    "dies": dead_end,
    "hangs-later": silent_end,
    "garbage-later": garbage_end,
    "error-later": error_end,
    "ends-early": early_end,
    "whole-then-dies": half_end,
    "told-then-dies": told_end,
}
"""How a stream ends, by the name of its model."""

BREAKS_AT_THE_END = frozenset({"whole-then-dies", "told-then-dies"})
"""Models whose connection breaks where `[DONE]` should come."""

USAGES: dict[str, dict[str, int] | None] = {
    "no-usage": None,
    "zero-usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "huge-usage": {"prompt_tokens": 10**9, "completion_tokens": 10**9, "total_tokens": 2 * 10**9},
    "absurd-usage": {"prompt_tokens": 10**18, "completion_tokens": 7, "total_tokens": 10**18},
    "odd-usage": {"prompt_tokens": -5, "completion_tokens": 7, "total_tokens": 2},
}

FIXED = {
    "fails": lambda: PlainTextResponse("our key is sk-operator", 500),
    "our-key-is-wrong": lambda: JSONResponse({"error": {"message": "bad key sk-operator"}}, 401),
    "too-fast-for-long": lambda: JSONResponse({"error": {}}, 429, headers={"retry-after": "7" * 4_301}),
    "too-fast": lambda: JSONResponse({"error": {"message": "slow"}}, 429, headers={"retry-after": "7"}),
    "too-long": lambda: JSONResponse({"error": {"message": "context is 10 tokens"}}, 400),
    "garbage": lambda: PlainTextResponse("<html>welcome</html>"),
    "garbage-json": lambda: JSONResponse(["not", "an", "answer"]),
    "no-choices": lambda: JSONResponse({"id": "x", "choices": []}),
    "only-done": lambda: PlainTextResponse("data: [DONE]\n\n", media_type="text/event-stream"),
    "garbage-event": lambda: PlainTextResponse("data: hello\n\n", media_type="text/event-stream"),
    "endless-event": lambda: PlainTextResponse("data: " + "x" * 3 * 2**20, media_type="text/event-stream"),
}


def head(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": kind}


def chunk(kind: str, delta: dict[str, object], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return "data: " + json.dumps({**head(kind), "choices": [choice], "usage": None}) + "\n\n"
