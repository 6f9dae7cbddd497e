"""POST /api/v1/images/generations: paid by the image, for the images that came."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from entitlement.client.json_values import as_list, as_object, as_whole
from entitlement.gateway.exchange import Charge, Exchange
from entitlement.gateway.failures import upstream_invalid
from entitlement.gateway.image_request import ImageRequest, read_image_request
from entitlement.gateway.models import ImageModel, Model
from entitlement.gateway.pricing import Quote, images_cost
from entitlement.gateway.reply import Reply
from entitlement.gateway.upstream import UpstreamServer
from entitlement.gateway.usage import Tokens
from entitlement.gateway.ways import Ways

PATH = "/images/generations"

_MEDIA_TYPES = MappingProxyType(
    {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "UklGR": "image/webp", "R0lGOD": "image/gif"}
)
"""By what base64 makes of a file's first bytes."""


@dataclass(frozen=True, slots=True)
class Images:
    """Reads requests for images."""

    models: Mapping[str, Model]
    ways: Ways

    def __call__(self, body: bytes) -> "ImageWork":
        """Return the request that a body describes; raises `GatewayError`."""
        return ImageWork(read_image_request(body, self.models), self.ways)


@dataclass(slots=True)
class _ImageMeter:
    asked: ImageRequest
    made: int = 0

    def charge(self, *, whole: bool) -> Charge:
        # Images come all at once: of an answer that broke off there are none.
        del whole
        cost = images_cost(self.asked.model.price(self.asked.size), number=self.made)
        return Charge(Tokens(0, 0, "gateway"), cost, images=self.made)


@dataclass(frozen=True, slots=True)
class ImageWork:
    """A request for images that was read."""

    asked: ImageRequest
    ways: Ways

    @property
    def model(self) -> ImageModel:
        """What is asked."""
        return self.asked.model

    @property
    def stream(self) -> bool:
        """Whether the answer comes in pieces: never."""
        return False

    @property
    def goes_on(self) -> bool:
        """Whether it is finished though its client leaves: the upstream makes and bills the images anyway."""
        return True

    def quote(self) -> Quote:
        """Return what it may cost."""
        return self.asked.quote()

    async def answer(self, quote: Quote, exchange: Exchange, reply: Reply) -> None:
        """Answer with the images that an upstream made; raises `GatewayError`."""
        # The hold pays for all images, or there is none.
        del quote

        async def ask(upstream: UpstreamServer, upstream_model: str) -> dict[str, object]:
            meter = _ImageMeter(self.asked)
            exchange.begin(meter)
            answer = await upstream.complete(PATH, self.asked.body(upstream_model), exchange.note_sent)
            images = _images(answer, self.asked)
            meter.made = len(images)
            created = as_whole(answer.get("created"))
            return {"created": int(time.time()) if created is None else created, "data": images}

        answer = await self.ways.ask(self.model, reply, ask)
        charge = await exchange.finish()
        await reply.whole({**answer, "model": self.model.id, "cost": charge.told()})


def _images(answer: Mapping[str, object], asked: ImageRequest) -> list[dict[str, object]]:
    """Return the images of an answer, in the form that is wanted, no more than were asked for.

    An entry without an image, as servers that filter have them, is none. Raises `UpstreamFailed` where there
    is no image at all.
    """
    images: list[dict[str, object]] = []
    for entry in as_list(answer.get("data")) or []:
        fields = as_object(entry)
        if fields is None:
            raise upstream_invalid()
        image = fields.get("b64_json")
        if not isinstance(image, str) or not image:
            continue
        told: dict[str, object] = {"url": _data_url(image)} if asked.as_urls else {"b64_json": image}
        revised = fields.get("revised_prompt")
        if isinstance(revised, str):
            told["revised_prompt"] = revised
        images.append(told)
    if not images:
        raise upstream_invalid()
    return images[: asked.number]


def _data_url(image: str) -> str:
    known = (media for start, media in _MEDIA_TYPES.items() if image.startswith(start))
    return f"data:{next(known, 'application/octet-stream')};base64,{image}"
