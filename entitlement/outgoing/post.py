"""POST to an address that somebody else chose.

    name -> all its addresses -> is every one of them of the open internet? -> connect to the one that was
    looked at, by its number, and ask for the name in TLS and in `Host`

The name is looked up once: one that says something else the next time changes nothing. No redirect is
followed, no proxy of ours is used, and of the answer only its status is read.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import httpx

from entitlement.core.webhooks import is_public

SECONDS_MAX = 10.0
"""For all of it: the name, the connection, the answer's first line and headers."""
AT_ONCE_MAX = 20
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, and where."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: in words of ours, and whether the receiver took it."""

    is_taken: bool
    said: str


class NotAllowedThere(Exception):
    """The name has no address, or one that we do not call."""


class Poster:
    """Sends to the open internet; on a development network to any address, since all there is local."""

    def __init__(
        self, *, is_devnet: bool, seconds: float = SECONDS_MAX, tls: ssl.SSLContext | None = None
    ) -> None:
        self._is_devnet = is_devnet
        self._seconds = seconds
        self._tls = tls
        # Not the event loop's own threads, which are few, and which it waits for when it ends: how long a
        # name takes is up to whoever serves it.
        self._names = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="names")

    def check(self, url: str) -> None:
        """Look a name up. Raises NotAllowedThere."""
        try:
            asyncio.run(asyncio.wait_for(self._addresses(url), self._seconds))
        except TimeoutError as error:
            raise NotAllowedThere("its name took too long to look up") from error

    def send_all(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send, many at once; return what came of each, in the same order."""
        return asyncio.run(self._send_all(messages))

    async def _send_all(self, messages: Sequence[Message]) -> list[Outcome]:
        places = asyncio.Semaphore(AT_ONCE_MAX)

        if self._tls is None:
            # Once, since it reads every authority there is; and only by who sends.
            self._tls = httpx.create_ssl_context(trust_env=False)
        tls = self._tls

        async def one(message: Message) -> Outcome:
            async with places:
                return await self._send(message, tls)

        return list(await asyncio.gather(*(one(message) for message in messages)))

    async def _send(self, message: Message, tls: ssl.SSLContext) -> Outcome:
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._addresses(message.url)
                status = await self._post(message, addresses[0], tls)
        except TimeoutError:
            return Outcome(is_taken=False, said="it took too long")
        except NotAllowedThere as error:
            return Outcome(is_taken=False, said=str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Outcome(is_taken=False, said=f"no answer: {type(error).__name__}")
        return Outcome(is_taken=200 <= status < 300, said=f"answered {status}")  # noqa: PLR2004 - what HTTP calls success

    async def _addresses(self, url: str) -> list[str]:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._names, partial(socket.getaddrinfo, parts.hostname, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise NotAllowedThere("its name has no address") from error
        addresses = [str(each[4][0]) for each in found]
        if not self._is_devnet and not all(is_public(address) for address in addresses):
            raise NotAllowedThere("its name leads to an address that is not public")
        return addresses

    @staticmethod
    async def _post(message: Message, address: str, tls: ssl.SSLContext) -> int:
        parts = urlsplit(message.url)
        url = httpx.URL(message.url).copy_with(host=address)
        headers = {"Host": parts.netloc, "Content-Type": "application/json", **message.headers}
        async with (
            httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=None) as client,  # noqa: S113 - the whole has a time
            client.stream(
                "POST",
                url,
                content=message.body,
                headers=headers,
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            return answer.status_code
