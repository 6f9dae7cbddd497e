"""A node in this process: the scripted chain behind JSON-RPC, as the real reader asks it.

    JsonRpc --httpx--> Wire --bytes--> Honest or Liar --question--> truth

Every answer goes through JSON, so that nothing reaches the reader which could not have come over a line. A
machine behind the address is a view of the chain: the list of headers that it believes in.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import orjson

from entitlement.core.blocks import Header
from tests.simulation.living_chain import LivingChain
from tests.simulation.wire_form import Block, Log, WireForm
from tests.support import CHAIN_ID

HOST = "node.scripted"
URL = f"http://{HOST}/"
View = Sequence[Header]
Question = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """Instead of a result: a JSON-RPC error."""

    code: int
    message: str


class Between(Protocol):
    """What stands between a question and its answer."""

    def exchange(self, node: "ScriptedNode", body: bytes) -> tuple[int, bytes]:
        """Answer a whole request: a status and a body. Raises as httpx does where the line breaks."""
        ...


class Honest:
    """Nothing but the truth."""

    def exchange(self, node: "ScriptedNode", body: bytes) -> tuple[int, bytes]:
        asked = orjson.loads(body)
        each = asked if isinstance(asked, list) else [asked]
        told = [node.truth(one["method"], one["params"], node.chain.headers_) for one in each]
        return 200, reply(asked, told)


@dataclass
class ScriptedNode:
    """One address that answers for a chain."""

    chain: LivingChain
    form: WireForm
    keeps_side_blocks: bool = False
    """Whether blocks that were taken back are still found by their hash, as some nodes do."""
    between: Between = field(default_factory=Honest)

    # One case for each method.
    def truth(self, method: str, params: list[Any], view: View) -> Any:  # noqa: ANN401, PLR0911
        """Answer a question as the machine would that believes in `view`."""
        match method, params:
            case "eth_chainId", []:
                return hex(CHAIN_ID)
            case "eth_blockNumber", []:
                return hex(view[-1].number)
            case "eth_getBlockByNumber", [str(wanted), bool()]:
                return self._block_at(wanted, view)
            case "eth_getBlockByHash", [str(wanted), bool()]:
                header = self._header(wanted, view)
                return None if header is None else self.block(header)
            case "eth_getBlockReceipts", [str(wanted)]:
                header = self._header(wanted, view) if len(wanted) == 66 else _at(wanted, view)
                return None if header is None else self.form.receipts(header, self.chain.logs[header.hash])
            case "eth_getLogs", [{"blockHash": str(wanted), **rest}]:
                header = self._header(wanted, view)
                return Refused(-32000, "unknown block") if header is None else self._logs([header], rest)
            case "eth_getLogs", [{"fromBlock": str(first), "toBlock": str(last), **rest}]:
                return self._logs(view[int(first, 16) : int(last, 16) + 1], rest)
            case _:
                return Refused(-32601, f"the method {method} does not exist")

    def block(self, header: Header) -> Block:
        return self.form.block(header, self.chain.logs[header.hash])

    def _block_at(self, wanted: str, view: View) -> Block | None:
        header = _at(self._tag(wanted, view), view)
        return None if header is None else self.block(header)

    def _tag(self, wanted: str, view: View) -> str:
        if wanted == "latest":
            return hex(view[-1].number)
        if wanted in ("safe", "finalized"):
            return hex(max(0, view[-1].number - self.chain.finality_depth))
        return wanted

    def _header(self, wanted: str, view: View) -> Header | None:
        header = self.chain.made.get(wanted)
        if header is None or not (self.keeps_side_blocks or _at(hex(header.number), view) == header):
            return None
        return header

    def _logs(self, headers: Sequence[Header], wanted: Mapping[str, Any]) -> list[Log]:
        addresses, topics = set(wanted["address"]), set(wanted["topics"][0])
        return [
            log
            for header in headers
            for log in self.form.logs(header, self.chain.logs[header.hash])
            if log["address"] in addresses and log["topics"][0] in topics
        ]


def _at(number: str, view: View) -> Header | None:
    height = int(number, 16)
    return view[height] if height < len(view) else None


def reply(asked: Question | list[Question], told: Sequence[Any]) -> bytes:
    """Put results, or `Refused`, into the envelopes that belong to what was asked."""
    each = asked if isinstance(asked, list) else [asked]
    envelopes = [_envelope(one["id"], answer) for one, answer in zip(each, told, strict=True)]
    return orjson.dumps(envelopes if isinstance(asked, list) else envelopes[0])


def _envelope(number: int, answer: object) -> dict[str, Any]:
    told: dict[str, object] = {"result": answer}
    if isinstance(answer, Refused):
        told = {"error": {"code": answer.code, "message": answer.message}}
    return {"jsonrpc": "2.0", "id": number, **told}


@contextmanager
def served(node: ScriptedNode) -> Iterator[str]:
    """Answer in this process whatever any httpx client asks at `URL`; everything else goes its way."""
    real = httpx.HTTPTransport.handle_request

    def handle(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            return real(transport, request)
        status, body = node.between.exchange(node, request.read())
        return httpx.Response(status, content=body)

    # Below every client there is or will be: the reader is built as it is everywhere else.
    httpx.HTTPTransport.handle_request = handle  # type: ignore[method-assign]
    try:
        yield URL
    finally:
        httpx.HTTPTransport.handle_request = real  # type: ignore[method-assign]
