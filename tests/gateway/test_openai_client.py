"""The client that others wrote: OpenAI's own for Python, with nothing changed but its address and key."""

import asyncio
import base64
from collections.abc import Iterator

import openai
import pytest

from tests.gateway.conftest import USD, CreditService, Gateway, charged, eventually

MESSAGE = "to be or not to be"


@pytest.fixture
def key(credit_service: CreditService) -> str:
    return credit_service.make_key(USD)


@pytest.fixture
def client(media: Gateway, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{media.url}/api/v1", api_key=key, max_retries=0) as made:
        yield made


def test_a_chat_is_answered_and_charged(
    client: openai.OpenAI, credit_service: CreditService, key: str
) -> None:
    answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": MESSAGE}])
    assert MESSAGE in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    # A dollar for a million tokens in, and four for a million out.
    cost = 1_000 * answer.usage.prompt_tokens + 4_000 * answer.usage.completion_tokens
    # What is ours beside what is OpenAI's is kept by their classes.
    assert (answer.model_extra or {})["cost"]["nano_usd"] == cost
    assert credit_service.account_state(key) == charged(cost)


def test_a_streamed_chat_comes_in_parts_with_what_it_used(
    client: openai.OpenAI, credit_service: CreditService, key: str
) -> None:
    parts = list(
        client.chat.completions.create(
            model="echo",
            messages=[{"role": "user", "content": MESSAGE}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    told = "".join(choice.delta.content or "" for part in parts for choice in part.choices)
    assert MESSAGE in told
    used = [part.usage for part in parts if part.usage is not None]
    assert len(used) == 1
    cost = 1_000 * used[0].prompt_tokens + 4_000 * used[0].completion_tokens
    eventually(lambda: credit_service.account_state(key), charged(cost))


def test_a_stream_that_is_left_costs_what_was_made_of_it(
    gateway: Gateway, credit_service: CreditService, key: str
) -> None:
    with (
        openai.OpenAI(base_url=f"{gateway.url}/api/v1", api_key=key) as client,
        client.chat.completions.create(
            model="endless", messages=[{"role": "user", "content": MESSAGE}], stream=True
        ) as parts,
    ):
        next(part for part in parts if part.choices)
    eventually(lambda: credit_service.account_state(key)["held"], 0)
    assert 0 < credit_service.account_state(key)["captured"] < USD


def test_the_asynchronous_client_asks_many_at_once(
    media: Gateway, credit_service: CreditService, key: str
) -> None:
    async def ask() -> int:
        async with openai.AsyncOpenAI(base_url=f"{media.url}/api/v1", api_key=key, max_retries=0) as asking:
            answers = await asyncio.gather(
                *[
                    asking.chat.completions.create(
                        model="echo", messages=[{"role": "user", "content": f"{MESSAGE} {number}"}]
                    )
                    for number in range(16)
                ]
            )
        return sum((answer.model_extra or {})["cost"]["nano_usd"] for answer in answers)

    cost = asyncio.run(ask())
    assert credit_service.account_state(key) == charged(cost)


def test_models_are_listed(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert "echo" in {each.id for each in listed}
    assert {each.object for each in listed} == {"model"}


def test_embeddings_come_as_numbers_though_they_are_asked_for_as_bytes(client: openai.OpenAI) -> None:
    # Without a format the client asks for base64 and reads it itself.
    answer = client.embeddings.create(model="embedding-echo", input=["to be", "or not to be"])
    plain = client.embeddings.create(
        model="embedding-echo", input=["to be", "or not to be"], encoding_format="float"
    )
    assert [each.index for each in answer.data] == [0, 1]
    for read, told in zip(answer.data, plain.data, strict=True):
        assert read.embedding == pytest.approx(told.embedding, abs=1e-6)


def test_images_come_as_data(client: openai.OpenAI, credit_service: CreditService, key: str) -> None:
    answer = client.images.generate(
        model="image-echo", prompt="a cat asleep", n=2, size="1024x1024", response_format="b64_json"
    )
    assert answer.data is not None
    pictures = [base64.b64decode(each.b64_json or "") for each in answer.data]
    assert [picture[:8] for picture in pictures] == [b"\x89PNG\r\n\x1a\n"] * 2
    assert credit_service.account_state(key) == charged(80 * USD // 100)


def test_refusals_are_the_errors_that_its_users_catch(
    client: openai.OpenAI, credit_service: CreditService
) -> None:
    def ask(asking: openai.OpenAI, model: str = "echo") -> None:
        asking.chat.completions.create(model=model, messages=[{"role": "user", "content": MESSAGE}])

    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, "nothing-of-the-kind")
    assert unknown.value.code == "MODEL_NOT_FOUND"
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="ent_nobody"))
    with pytest.raises(openai.APIStatusError) as poor:
        ask(client.with_options(api_key=credit_service.make_key(0)))
    assert (poor.value.status_code, poor.value.code) == (402, "INSUFFICIENT_BALANCE")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="echo", messages=[])
    with pytest.raises(openai.InternalServerError) as away:
        client.embeddings.create(model="embedding-unreachable", input="to be")
    assert away.value.status_code in (502, 503)
