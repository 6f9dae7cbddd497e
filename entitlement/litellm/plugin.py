"""The plug-in for LiteLLM's proxy: its keys are ours, and every chat is held for and charged.

    general_settings:  {custom_auth: entitlement.litellm.plugin.authenticate}
    litellm_settings:  {callbacks: [entitlement.litellm.plugin.credit]}

    authenticate      introspects the key: 401 for one that may not spend
    before the call   a hold of what the chat can cost at most; the answer is clamped to what it pays
    after it          the reported tokens are charged
    a stream          charged at its end; one that breaks off, for what was counted until then
    a failure         the hold is given back

Prices are those of the price list (models.toml), by the names under which the proxy offers its models; a
model that is not listed is refused. The environment names the rest: ENTITLEMENT_SERVICE_URL,
ENTITLEMENT_SERVICE_TOKEN and ENTITLEMENT_PRICE_LIST.
"""

import hashlib
import os
import time
from collections.abc import AsyncGenerator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import orjson
from fastapi import HTTPException, Request

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUntypedBaseClass=false, reportUnknownParameterType=false
# LiteLLM is an optional extra, so it is not installed where this is checked.
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import UserAPIKeyAuth

from entitlement.client import (
    AsyncCreditClient,
    CreditError,
    CreditRefused,
    GatewayNotAuthenticated,
    Hold,
    HoldRequest,
    Usage,
)
from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.units import NanoUsd
from entitlement.gateway.chat_request import FORWARDED, check_priced
from entitlement.gateway.failures import GatewayError
from entitlement.gateway.models import TextModel
from entitlement.gateway.price_list import PriceList, read_price_list
from entitlement.gateway.pricing import (
    cost_up,
    counted_tokens_up,
    input_tokens_bound,
    output_tokens_paid_down,
)
from entitlement.gateway.request_body import refuse_unknown
from entitlement.gateway.usage import REPORTED_TOKENS_MAX, text_bytes

HOLD_SECONDS = 900
KEYS_MAX = 10_000
OPEN_MAX = 10_000
OUTPUT_TOKENS_MIN = 64
MARK = "entitlement_request"
CHATS = frozenset({"completion", "acompletion"})
"""What the proxy calls a chat; nothing else has a price here."""
CAPS = ("max_completion_tokens", "max_tokens")
FIELDS = FORWARDED | {*CAPS, "model", "n", "stream", "stream_options"}
"""What the reference gateway takes. By others a client of the proxy has what was not held for: another model
(`fallbacks`), a longer answer (`extra_body`, `additional_drop_params`), a dearer one (`service_tier`)."""

Data = MutableMapping[str, Any]


@dataclass(slots=True)
class OpenChat:
    """A chat between its hold and its end."""

    hold: Hold
    model: TextModel
    prompt_bytes: int
    began_at: float


class EntitlementCredit(CustomLogger):
    """Holds before a chat and captures after it."""

    def __init__(self, client: AsyncCreditClient, prices: PriceList) -> None:
        super().__init__()
        self._client = client
        self._models = {model.id: model for model in prices.models if isinstance(model, TextModel)}
        self._version = prices.version
        self._secrets: dict[str, str] = {}
        """Keys by their hashes: the proxy logs what it calls a key, so it never gets the key itself."""
        self._open: dict[str, OpenChat] = {}

    async def authenticate(self, key: str) -> UserAPIKeyAuth:
        """Return whom the proxy takes the caller for; raises 401 and 503."""
        try:
            told = await self._client.introspect(key)
        except ValueError:
            raise HTTPException(401, "send your API key: Authorization: Bearer <key>") from None
        except CreditError as error:
            raise _explained(error) from None
        name = hashlib.sha256(key.encode()).hexdigest()
        self._secrets.pop(name, None)
        self._secrets[name] = key
        while len(self._secrets) > KEYS_MAX:
            del self._secrets[next(iter(self._secrets))]
        return UserAPIKeyAuth(api_key=name, metadata={"model_privacy": told.key.model_privacy})

    async def async_pre_call_hook(
        self,
        user_api_key_dict: Any,  # noqa: ANN401 - theirs
        cache: object,
        data: Data,
        call_type: str,
    ) -> Data:
        """Hold what the chat can cost at most, and clamp its answer; raises 400, 401, 402, 403, 503."""
        del cache
        model = self._models.get(str(data.get("model")))
        if call_type not in CHATS or model is None:
            raise HTTPException(404, "this model, or this kind of request, has no price here")
        if not model.allows(str(user_api_key_dict.metadata.get("model_privacy"))):
            raise HTTPException(403, "this API key may call private models only")
        _check_asked(data)
        input_tokens = input_tokens_bound(_sent_bytes(data), model.context_length)
        wanted = _output_cap(data, model)
        least = min(wanted, OUTPUT_TOKENS_MIN)
        most = cost_up(model.price, input_tokens=input_tokens, output_tokens=wanted)
        if most == 0:
            return data
        self._forget_over()
        if len(self._open) >= OPEN_MAX:
            raise HTTPException(503, "as many chats are open as there may be")
        name = uuid4().hex
        request = HoldRequest(
            key=self._secrets.get(str(user_api_key_dict.api_key), "unknown"),
            amount=most,
            minimum=max(NanoUsd(1), cost_up(model.price, input_tokens=input_tokens, output_tokens=least)),
            request_id=name,
            ttl=HOLD_SECONDS,
            model=model.id,
        )
        try:
            hold = (await self._client.place_hold(request)).hold
        except CreditError as error:
            raise _explained(error) from None
        paid = output_tokens_paid_down(
            model.price, credit=hold.amount, input_tokens=input_tokens, wanted=wanted
        )
        caps = [cap for cap in CAPS if data.get(cap) is not None] or [CAPS[1]]
        data.update(dict.fromkeys(caps, paid))
        if data.get("stream"):
            data["stream_options"] = {**(data.get("stream_options") or {}), "include_usage": True}
        # Our own name for it: the proxy's call id may be chosen by the client, and chosen twice.
        data["metadata"] = {**(data.get("metadata") or {}), MARK: name}
        texts = text_bytes([data.get("messages"), data.get("tools")])
        self._open[name] = OpenChat(hold, model, texts, time.monotonic())
        return data

    async def async_post_call_success_hook(self, data: Data, user_api_key_dict: object, response: Any) -> Any:  # noqa: ANN401
        """Charge a whole answer."""
        del user_api_key_dict
        chat = self._taken(data)
        if chat is not None:
            answer = _fields(response)
            await self._capture(chat, _reported(answer), _text_bytes(answer, "message"), status=200)
        return response

    async def async_post_call_streaming_iterator_hook(
        self,
        user_api_key_dict: object,
        response: Any,  # noqa: ANN401 - theirs
        request_data: Data,
    ) -> AsyncGenerator[Any, None]:
        """Pass a stream on, and charge it at its end, whoever ends it."""
        del user_api_key_dict
        chat = self._taken(request_data)
        reported: tuple[int, int] | None = None
        produced, status = 0, 499
        try:
            async for piece in response:
                fields = _fields(piece)
                produced += _text_bytes(fields, "delta")
                reported = _reported(fields) or reported
                yield piece
            status = 200
        finally:
            if chat is not None:
                await self._capture(chat, reported, produced, status=status)

    async def async_post_call_failure_hook(
        self,
        request_data: Data,
        original_exception: Exception,
        user_api_key_dict: object,
        traceback_str: str | None = None,
    ) -> None:
        """Give back what was held for a call that failed."""
        del original_exception, user_api_key_dict, traceback_str
        chat = self._taken(request_data)
        if chat is not None:
            try:
                await self._client.release(chat.hold.id)
            except CreditError:
                # It expires by itself.
                return

    def _forget_over(self) -> None:
        """Forget chats whose end nobody told while it could be charged; the oldest come first."""
        while self._open:
            name, chat = next(iter(self._open.items()))
            if time.monotonic() - chat.began_at < HOLD_SECONDS + LATE_CAPTURE_SECONDS:
                return
            del self._open[name]

    def _taken(self, data: Mapping[str, Any]) -> OpenChat | None:
        mark = (as_object(data.get("metadata")) or {}).get(MARK)
        return self._open.pop(mark, None) if isinstance(mark, str) else None

    async def _capture(
        self, chat: OpenChat, reported: tuple[int, int] | None, produced_bytes: int, *, status: int
    ) -> None:
        read, written = reported or (
            counted_tokens_up(chat.prompt_bytes),
            counted_tokens_up(produced_bytes),
        )
        usage = Usage(
            model=chat.model.id,
            input_tokens=read,
            output_tokens=written,
            latency_ms=round((time.monotonic() - chat.began_at) * 1000),
            status=status,
            price_version=self._version,
        )
        cost = min(cost_up(chat.model.price, input_tokens=read, output_tokens=written), chat.hold.amount)
        try:
            await self._client.capture(chat.hold.id, cost, usage)
        except CreditError:
            # The answer is out, and stays so; the hold expires, and the operator bears the cost.
            return


def _check_asked(data: Data) -> None:
    """Raise 400 for what the price list does not price, by the body as its client sent it."""
    sent = as_object((as_object(data.get("proxy_server_request")) or {}).get("body")) or data
    try:
        refuse_unknown({name: value for name, value in sent.items() if value is not None}, FIELDS)
        check_priced({name: value for name, value in data.items() if value is not None})
    except GatewayError as refused:
        raise HTTPException(refused.status, refused.message) from None


def _fields(answer: Any) -> dict[str, object]:  # noqa: ANN401
    return as_object(answer) or as_object(answer.model_dump()) or {}


def _reported(answer: Mapping[str, object]) -> tuple[int, int] | None:
    usage = as_object(answer.get("usage")) or {}
    read, written = as_whole(usage.get("prompt_tokens")), as_whole(usage.get("completion_tokens"))
    if read is None or written is None or max(read, written) > REPORTED_TOKENS_MAX:
        return None
    return read, written


def _text_bytes(answer: Mapping[str, object], part: Literal["delta", "message"]) -> int:
    """Return the bytes of text that the counting rule charges for: reasons and probabilities are none."""
    choices = [as_object(choice) or {} for choice in as_list(answer.get("choices")) or []]
    return text_bytes([choice.get(part) for choice in choices])


def _sent_bytes(data: Mapping[str, Any]) -> int:
    """Return the bytes of all that may be sent to a model: a token stands for at least one of them."""
    left = {"metadata", "litellm_metadata", "proxy_server_request", "secret_fields", "litellm_logging_obj"}
    return len(orjson.dumps({name: data[name] for name in data if name not in left}, default=str))


def _output_cap(data: Mapping[str, Any], model: TextModel) -> int:
    given = [as_whole(data[cap]) for cap in CAPS if data.get(cap) is not None]
    if not all(given):
        raise HTTPException(400, "the most output must be an integer of at least 1")
    return min([model.max_output_tokens, *(cap for cap in given if cap)])


def _explained(error: CreditError) -> HTTPException:
    if isinstance(error, CreditRefused) and not isinstance(error, GatewayNotAuthenticated):
        figures = {name: error.figures[name] for name in error.figures if name != "lease"}
        return HTTPException(error.status, {"error": error.detail, "code": error.code, **figures})
    return HTTPException(503, "credit cannot be asked for: nothing was charged, try again")


def _from_environment() -> EntitlementCredit:
    client = AsyncCreditClient(os.environ["ENTITLEMENT_SERVICE_URL"], os.environ["ENTITLEMENT_SERVICE_TOKEN"])
    return EntitlementCredit(client, read_price_list(Path(os.environ["ENTITLEMENT_PRICE_LIST"])))


credit = _from_environment()
"""What `callbacks` names."""


async def authenticate(request: Request, api_key: str) -> UserAPIKeyAuth:
    """What `custom_auth` names."""
    del request
    return await credit.authenticate(api_key.removeprefix("Bearer "))
