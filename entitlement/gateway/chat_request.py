"""The body of a chat completion request: what is taken, and what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.core.units import NanoUsd
from entitlement.gateway.failures import invalid_request
from entitlement.gateway.models import Model, TextModel
from entitlement.gateway.pricing import Quote, cost_up, input_tokens_bound, output_tokens_paid_down
from entitlement.gateway.request_body import find_model, read_fields, refuse_unknown, written
from entitlement.gateway.usage import text_bytes

MESSAGES_MAX = 4096
OUTPUT_TOKENS_MIN = 64
"""The shortest answer worth having: a hold that pays for less of it is refused, not clamped."""

FORWARDED = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "messages",
        "min_p",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
    }
)
_READ_HERE = frozenset(
    {"max_completion_tokens", "max_tokens", "model", "n", "stream", "stream_options", "venice_parameters"}
)
_ROLES = frozenset({"assistant", "developer", "function", "system", "tool", "user"})
_MESSAGE_FIELDS = frozenset(
    {
        "annotations",
        "content",
        "function_call",
        "name",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
        "role",
        "tool_call_id",
        "tool_calls",
    }
)
"""Texts, and names of things: what a client has from an answer it may say again."""
_TEXT_PARTS = frozenset({"refusal", "text"})
_PART_FIELDS = _TEXT_PARTS | {"annotations", "type"}

CapName = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that can be priced and forwarded."""

    model: TextModel
    stream: bool
    wants_usage: bool
    """Whether the stream's client asked for a last event with the usage."""
    output_tokens_wanted: int
    """The most output that the client and the model allow."""
    cap_name: CapName
    """Which of the two names for that number the client used."""
    fields: Mapping[str, object] = field(repr=False)
    """What is forwarded as it came."""

    def body(self, output_tokens_max: int, upstream_model: str) -> bytes:
        """Return what is sent to an upstream that calls the model so."""
        shaped: dict[str, object] = {**self.fields, "model": upstream_model}
        shaped[self.cap_name] = output_tokens_max
        if self.stream:
            shaped |= {"stream": True, "stream_options": {"include_usage": True}}
        return written(shaped)

    @property
    def prompt_bytes(self) -> int:
        """The bytes of text that the counting rule charges for."""
        return text_bytes([self.fields.get("messages"), self.fields.get("tools")])


def quote_up(chat: ChatRequest) -> Quote:
    """Return the bounds of what `chat` costs; they are never below the actual cost."""
    # Clamping makes the number of tokens shorter, never longer: this body is the longest that will be sent.
    sent_bytes = max(len(chat.body(chat.output_tokens_wanted, way.upstream_model)) for way in chat.model.ways)
    input_tokens = input_tokens_bound(sent_bytes, chat.model.context_length)
    least = min(chat.output_tokens_wanted, OUTPUT_TOKENS_MIN)
    return Quote(
        amount=cost_up(chat.model.price, input_tokens=input_tokens, output_tokens=chat.output_tokens_wanted),
        minimum=max(NanoUsd(1), cost_up(chat.model.price, input_tokens=input_tokens, output_tokens=least)),
        input_tokens=input_tokens,
    )


def output_tokens_max(chat: ChatRequest, quote: Quote, credit: NanoUsd | None) -> int:
    """Return the output that `credit` pays for in the worst case, at most what is wanted.

    None stands for a model that costs nothing.
    """
    if credit is None:
        return chat.output_tokens_wanted
    return output_tokens_paid_down(
        chat.model.price, credit=credit, input_tokens=quote.input_tokens, wanted=chat.output_tokens_wanted
    )


def read_chat_request(body: bytes, models: Mapping[str, Model]) -> ChatRequest:
    """Return the request that a body describes; raises `GatewayError` saying what is wrong with it."""
    given = read_fields(body)
    model = find_model(given.get("model"), models, TextModel)
    refuse_unknown(given, FORWARDED | _READ_HERE)
    check_priced(given)
    _check_venice_parameters(given.get("venice_parameters", {}))
    stream = given.get("stream", False)
    if not isinstance(stream, bool):
        raise invalid_request("'stream' must be true or false.", param="stream")
    cap_name, wanted = _output_cap(given, model)
    return ChatRequest(
        model=model,
        stream=stream,
        wants_usage=_wants_usage(given.get("stream_options", {})),
        output_tokens_wanted=wanted,
        cap_name=cap_name,
        fields={name: value for name, value in given.items() if name in FORWARDED},
    )


def check_priced(given: Mapping[str, object]) -> None:
    """Raise `GatewayError` 400 for what costs more than its bytes say, such as pictures."""
    _check_messages(given.get("messages"))
    _check_tools(given.get("tools"))
    if as_whole(given.get("n", 1)) != 1:
        raise invalid_request("'n' must be 1: one answer for each request.", param="n")


def _check_messages(value: object) -> None:
    messages = as_list(value)
    if not messages:
        raise invalid_request("'messages' must be a list with at least one message.", param="messages")
    if len(messages) > MESSAGES_MAX:
        raise invalid_request(
            f"'messages' has {len(messages)} entries: at most {MESSAGES_MAX}.", param="messages"
        )
    for index, message in enumerate(messages):
        fields = as_object(message)
        where = f"messages[{index}]"
        if fields is None or not _is_one_of(fields.get("role"), _ROLES):
            raise invalid_request(f"'{where}' must be an object with a known 'role'.", param=where)
        _refuse_unpriced(fields, _MESSAGE_FIELDS, where)
        content = fields.get("content")
        parts = as_list(content)
        if content is not None and not isinstance(content, str) and parts is None:
            raise invalid_request(f"'{where}.content' must be a string or a list of parts.", param=where)
        for part in parts or []:
            _check_part(as_object(part), where)


def _check_part(part: Mapping[str, object] | None, where: str) -> None:
    # The bytes of a picture's address say nothing about its tokens, so it cannot be priced before the work.
    if part is None or not _is_one_of(part.get("type"), _TEXT_PARTS):
        raise invalid_request(f"'{where}.content' may have parts of type 'text' only.", param=where)
    _refuse_unpriced(part, _PART_FIELDS, where)


def _refuse_unpriced(given: Mapping[str, object], known: frozenset[str], where: str) -> None:
    # Servers read pictures and recordings from fields of their own, such as `images` or `audio`.
    unknown = sorted(name for name in given.keys() - known if given[name] is not None)
    if unknown:
        raise invalid_request(
            f"'{where}' has {unknown[0][:64]!r}, which this gateway does not take.", param=where
        )


def _check_tools(value: object) -> None:
    tools = [] if value is None else as_list(value)
    if tools is None:
        raise invalid_request("'tools' must be a list.", param="tools")
    for tool in tools:
        fields = as_object(tool)
        # An upstream's built-in tools cost money of their own.
        if fields is None or fields.get("type") != "function":
            raise invalid_request("'tools' may have entries of type 'function' only.", param="tools")


def _check_venice_parameters(value: object) -> None:
    """Venice's own switches are left behind; asking for one that would cost extra is refused."""
    fields = as_object(value)
    if fields is None:
        raise invalid_request("'venice_parameters' must be an object.", param="venice_parameters")
    web_search, character = fields.get("enable_web_search"), fields.get("character_slug")
    if not (web_search is None or web_search == "off") or character is not None:
        raise invalid_request(
            "This gateway offers neither web search nor characters.", param="venice_parameters"
        )


def _is_one_of(value: object, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value in words


def _wants_usage(value: object) -> bool:
    fields = as_object(value)
    if fields is None:
        raise invalid_request("'stream_options' must be an object.", param="stream_options")
    return fields.get("include_usage") is True


def _output_cap(given: Mapping[str, object], model: TextModel) -> tuple[CapName, int]:
    name: CapName = "max_completion_tokens" if "max_completion_tokens" in given else "max_tokens"
    caps = [model.max_output_tokens]
    if not given.keys() & {"max_tokens", "max_completion_tokens"} and model.usual_output_tokens is not None:
        caps.append(model.usual_output_tokens)
    for each in ("max_tokens", "max_completion_tokens"):
        if each in given:
            cap = as_whole(given[each])
            if not cap:
                raise invalid_request(f"'{each}' must be an integer of at least 1.", param=each)
            caps.append(cap)
    return name, min(caps)
