"""A node that lies by a seed: every way in which nodes were seen to be wrong, told once in a while.

    exchange    the line        a status, no JSON, half a body, a broken connection, a time-out
                the machine     a lagging one answers, or one that is still on blocks which were taken back
                one answer      a lie of `FORMS`, told about one question of the request

What is told is drawn from the seed, the poll and the question, not from the order of the questions: a reader
that asks several at once hears the same. What a node keeps back about a block it keeps back once in a step:
asked in another way it tells. One that keeps to it cannot be seen through by asking it alone.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import RLock
from typing import Any

import httpx
import orjson

from tests.simulation.scripted_node import Question, Refused, ScriptedNode, View, reply
from tests.simulation.wire_form import STRANGER, Log

Form = Callable[[Random, Any], Any]
"""A lie about a true answer; returns the answer itself where there is nothing to lie about."""

TOO_LARGE = (
    (-32005, "query returned more than 10000 results"),
    (-32602, "Log response size exceeded. this block range should work: [0x1, 0x2]"),
    (-32600, "eth_getLogs is limited to a 2,000 block range"),
    (-32000, "block range too large"),
)


NOTHING_SAID = "0x" + "00" * 256
"""The filter of an empty block."""


def changed(random: Random, answer: Any, **changes: object) -> Any:  # noqa: ANN401  JSON
    """Return a block, or one log of a list, with other fields."""
    if isinstance(answer, dict):
        return answer | changes
    if not answer:
        return answer
    place = random.randrange(len(answer))
    return [*answer[:place], answer[place] | changes, *answer[place + 1 :]]


def _swapped(random: Random, logs: list[Log]) -> list[Log]:
    pairs = [at for at in range(1, len(logs)) if logs[at]["blockHash"] == logs[at - 1]["blockHash"]]
    if not pairs:
        return logs
    at = random.choice(pairs)
    return [*logs[: at - 1], logs[at], logs[at - 1], *logs[at + 1 :]]


def _doubled(random: Random, logs: list[Log]) -> list[Log]:
    if not logs:
        return logs
    at = random.randrange(len(logs))
    return [*logs[: at + 1], logs[at], *logs[at + 1 :]]


def _of_a_stranger(_: Random, logs: list[Log]) -> list[Log]:
    """The node forgets the filter: a log that nobody asked for, behind ours."""
    if not logs:
        return logs
    last = logs[-1]
    return [*logs, last | {"address": STRANGER, "logIndex": hex(int(last["logIndex"], 16) + 1)}]


LOG_FORMS: dict[str, Form] = {
    "logs: wrong []": lambda *_: [],
    "logs: half an answer": lambda random, logs: logs[: random.randrange(len(logs))] if logs else logs,
    "logs: outside the range": lambda random, logs: changed(random, logs, blockNumber="0xfffff"),
    "logs: of another address": _of_a_stranger,
    "logs: of another fork": lambda random, logs: changed(random, logs, blockHash="0x" + "12" * 32),
    "logs: duplicates": _doubled,
    "logs: wrong order": _swapped,
    "logs: removed": lambda random, logs: changed(random, logs, removed=True),
    "logs: absurd number": lambda random, logs: changed(random, logs, logIndex=hex(2**70)),
    "logs: cut data": lambda random, logs: changed(random, logs, data="0x12"),
    "logs: null": lambda *_: None,
    "logs: range too large": lambda random, _: Refused(*random.choice(TOO_LARGE)),
    "logs: pruned history": lambda *_: Refused(-32000, "required historical state is pruned"),
}
BLOCK_FORMS: dict[str, Form] = {
    "block: null": lambda *_: None,
    "block: missing parent": lambda random, block: (
        block and changed(random, block, parentHash="0x" + "34" * 32)
    ),
    "block: another hash": lambda random, block: block and changed(random, block, hash="0x" + "56" * 32),
    "block: another height": lambda random, block: (
        block and changed(random, block, number=hex(int(block["number"], 16) + random.randrange(1, 9)))
    ),
    "block: absurd number": lambda random, block: block and changed(random, block, number=hex(2**80)),
    "block: absurd time": lambda random, block: block and changed(random, block, timestamp="-0x5"),
    "block: a filter of ones": lambda random, block: (
        block and changed(random, block, logsBloom="0x" + "ff" * 256)
    ),
    "block: a filter of noughts": lambda random, block: (
        # Of a block that speaks: of another it is no lie.
        changed(random, block, logsBloom=NOTHING_SAID) if block and int(block["logsBloom"], 16) else block
    ),
    "block: pruned history": lambda *_: Refused(-32000, "header not found: history is pruned"),
}
CHAIN_FORMS: dict[str, Form] = {
    "chain: wrong id": lambda random, _: hex(random.choice([1, 8453])),
    "chain: no id": lambda random, _: random.choice([None, 31337, "0x", []]),
}
ANY_FORMS: dict[str, Form] = {
    "node: -32005": lambda *_: Refused(-32005, "daily request limit reached"),
    "node: internal error": lambda *_: Refused(-32603, "tired"),
    "node: another type": lambda random, _: random.choice(["0x", 7, {"a": []}, [[]], True]),
}
LINE = ("line: 5xx", "line: 429", "line: no JSON", "line: half a body", "line: dropped", "line: time-out")
LINE_ALL = (*LINE, "line: an answer is missing", "line: wrong ids")
MACHINES = ("machine: lags", "machine: on blocks that are gone", "machine: head goes back and forth")

KINDS = (*LINE_ALL, *MACHINES, *LOG_FORMS, *BLOCK_FORMS, *CHAIN_FORMS, *ANY_FORMS)
"""Every kind of lie there is."""

KEPT_BACK = 0.1
"""How often a node without a care says that there are no logs."""


@dataclass
class Weather:
    """How the node behaves in one poll."""

    often: str | None = None
    """The lie it likes best."""
    how_often: float = 0.0
    at_times: float = 0.0
    """Of all requests, those with some other lie."""
    kept_back: float = 0.0


@dataclass
class Liar:
    """Stands between the questions and the truth."""

    seed: int
    told: Counter[str] = field(default_factory=Counter)
    weather: Weather = field(default_factory=Weather)
    poll: int = 0
    stale: list[View] = field(default_factory=list)
    """What other machines behind the address may still believe in."""
    turns: dict[int, Callable[[], object]] = field(default_factory=dict)
    """What happens to the chain while the so many-th request of the poll is on its way."""
    _requests: int = 0
    _asked: Counter[bytes] = field(default_factory=Counter)
    _hidden: set[str] = field(default_factory=set)
    _lock: RLock = field(default_factory=RLock)

    def begin_poll(self, weather: Weather) -> None:
        self.poll += 1
        self.weather, self._requests, self.turns = weather, 0, {}
        self._asked.clear()
        self.begin_step()

    def begin_step(self) -> None:
        """What was kept back before may be kept back again."""
        self._hidden.clear()

    def exchange(self, node: ScriptedNode, body: bytes) -> tuple[int, bytes]:
        with self._lock:
            self._requests += 1
            turn = self.turns.pop(self._requests, None)
            if turn is not None:
                turn()
            self._asked[body] += 1
            random = Random(f"{self.seed}:{self.poll}:{self._asked[body]}:{body.decode()}")
            asked = orjson.loads(body)
            kind = self._kind(random, asked)
            if kind in LINE:
                self.told[kind] += 1
                return self._line(kind, random, node, asked)
            return 200, self._answers(kind, random, node, asked)

    # --- which -------------------------------------------------------------------------------------------

    def _kind(self, random: Random, asked: Question | list[Question]) -> str | None:
        method = (asked[0] if isinstance(asked, list) else asked)["method"]
        forms = {"eth_getLogs": LOG_FORMS, "eth_chainId": CHAIN_FORMS}.get(method, BLOCK_FORMS)
        fitting = (*LINE_ALL, *MACHINES, *forms, *ANY_FORMS)
        chance, choice = random.random(), random.choice(fitting)
        if self.weather.often in fitting and chance < self.weather.how_often:
            return self.weather.often
        if method == "eth_getLogs" and random.random() < self.weather.kept_back:
            return "logs: wrong []"
        return choice if random.random() < self.weather.at_times else None

    # --- how ---------------------------------------------------------------------------------------------

    def _line(
        self, kind: str, random: Random, node: ScriptedNode, asked: Question | list[Question]
    ) -> tuple[int, bytes]:
        match kind:
            case "line: 5xx":
                return random.choice([500, 502, 503, 504]), b"upstream connect error"
            case "line: 429":
                return 429, b'{"error":{"code":429,"message":"Too Many Requests"}}'
            case "line: no JSON":
                return 200, random.choice([b"", b"<html>gateway</html>", b"{'a': 1}"])
            case "line: half a body":
                whole = self._answers(None, random, node, asked)
                return 200, whole[: len(whole) // 2]
            case "line: dropped":
                raise httpx.RemoteProtocolError("told by the seed")
            case _:
                raise httpx.ReadTimeout("told by the seed")

    def _answers(
        self, kind: str | None, random: Random, node: ScriptedNode, asked: Question | list[Question]
    ) -> bytes:
        each = asked if isinstance(asked, list) else [asked]
        view = self._view(kind, random, node)
        told = [node.truth(one["method"], one["params"], view) for one in each]
        forms = LOG_FORMS | BLOCK_FORMS | CHAIN_FORMS | ANY_FORMS
        place = random.randrange(len(told))
        if kind in forms and not isinstance(told[place], Refused):
            lied = forms[kind](random, told[place])
            self.told[kind] += lied != told[place]
            told[place] = lied
        told = [self._once(node, one, answer) for one, answer in zip(each, told, strict=True)]
        if kind == "line: an answer is missing":
            self.told[kind] += 1
            return reply(each[1:], told[1:])
        if kind == "line: wrong ids":
            self.told[kind] += 1
            return reply([one | {"id": one["id"] + 7} for one in each], told)
        return reply(asked, told)

    def _view(self, kind: str | None, random: Random, node: ScriptedNode) -> View:
        true = node.chain.headers_
        view: View = true
        if kind == "machine: lags":
            view = true[: max(2, len(true) - random.randrange(1, 40))]
        elif kind == "machine: head goes back and forth":
            view = true[: max(2, len(true) - random.randrange(1, 3))]
        elif kind == "machine: on blocks that are gone" and self.stale:
            view = random.choice(self.stale)
        if kind in MACHINES:
            self.told[kind] += view[-1] != true[-1]
        return view

    def _once(self, node: ScriptedNode, asked: Question, told: Any) -> Any:  # noqa: ANN401  JSON
        """Tell what is kept back of a block if something of it was kept back before."""
        truth = node.truth(asked["method"], asked["params"], node.chain.headers_)
        if asked["method"] == "eth_getLogs" and isinstance(told, list) and isinstance(truth, list):
            kept_back = {log["blockHash"] for log in truth if log not in told}
        elif isinstance(told, dict) and told.get("logsBloom") == NOTHING_SAID:
            # A filter that denies what was said is the same lie in another place.
            kept_back = {told["hash"]} if self._speaks(node, told["hash"]) else set()
        else:
            return told
        if kept_back & self._hidden:
            return truth
        self._hidden |= kept_back
        return told

    @staticmethod
    def _speaks(node: ScriptedNode, block_hash: object) -> bool:
        return bool(node.chain.logs.get(str(block_hash)))
