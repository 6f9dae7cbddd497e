"""How many tokens a request used: what the upstream reports, else what we count ourselves.

    the answer is whole, usage reported    as reported; a reported 0 is 0
    the answer is whole, no usage          counted: a token for every 4 bytes begun of the texts, in and out
    the answer broke off                   the larger of what was reported so far and what is counted

The texts are every string under `messages` and `tools` on the way in, and in the answer's messages or deltas
on the way out, except the values of `role`, `type`, `id` and `tool_call_id`. The same always counts the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.gateway.pricing import counted_tokens_up

REPORTED_TOKENS_MAX = 10**9
"""A report of more makes no sense, and is treated as none."""

_NOT_TEXT = frozenset({"role", "type", "id", "tool_call_id"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a request is charged for."""

    input: int
    output: int
    counted_by: Literal["upstream", "gateway"]


class Tally:
    """Keeps count of one answer while it passes through; keeps none of its text."""

    def __init__(self, prompt_bytes: int) -> None:
        self._counted_input = counted_tokens_up(prompt_bytes)
        self._answer_bytes = 0
        self._reported: tuple[int, int] | None = None
        self.reported: dict[str, object] | None = None
        """The upstream's own `usage` object, the latest one that makes sense."""
        self.finished = False
        """Whether the upstream gave a reason for the end of the answer."""

    def add(self, answer: dict[str, object], part: Literal["delta", "message"]) -> bool:
        """Take an answer or a piece of one into account; False if it has not the shape of one."""
        choices = as_list(answer.get("choices"))
        if choices is None:
            return False
        for choice in choices:
            fields = as_object(choice)
            if fields is None or as_object(fields.get(part)) is None:
                return False
            self._answer_bytes += text_bytes(fields[part])
            # Some servers say "" in every chunk but the last.
            self.finished = self.finished or fields.get("finish_reason") not in (None, "")
        self._take_usage(answer.get("usage"))
        return True

    def tokens(self, *, whole: bool) -> Tokens:
        """Return what is charged if nothing more comes; `whole` says that nothing more was to come."""
        counted_output = counted_tokens_up(self._answer_bytes)
        if self._reported is None:
            return Tokens(self._counted_input, counted_output, "gateway")
        reported_input, reported_output = self._reported
        if whole:
            return Tokens(reported_input, reported_output, "upstream")
        return Tokens(
            max(reported_input, self._counted_input), max(reported_output, counted_output), "gateway"
        )

    def _take_usage(self, usage: object) -> None:
        fields = as_object(usage)
        if fields is None:
            return
        read, written = as_whole(fields.get("prompt_tokens")), as_whole(fields.get("completion_tokens"))
        if read is None or written is None or max(read, written) > REPORTED_TOKENS_MAX:
            return
        self._reported = read, written
        self.reported = fields


def text_bytes(value: object) -> int:
    """Return the UTF-8 bytes of every string inside `value`, as the rule above counts them."""
    return sum(len(text.encode()) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    """Walk without recursion: the depth of a document is its writer's choice."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif (items := as_list(each)) is not None:
            pending.extend(items)
        elif (fields := as_object(each)) is not None:
            pending.extend(inner for name, inner in fields.items() if name not in _NOT_TEXT)
