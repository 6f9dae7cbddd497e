"""Everything that a test of the API may need at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from sqlalchemy.orm import Session, sessionmaker

from entitlement.wiring.service import Service
from tests.api.support import Person, bearer
from tests.support import USD, Holder, holder


@dataclass(frozen=True)
class World:
    """One service with a gateway, a rich account and a person who is signed in."""

    service: Service
    sessions: sessionmaker[Session]
    client: httpx.Client
    gateway: dict[str, str]
    rich: Holder
    person: Person
    signed_in: dict[str, str]

    def hold(self, amount: int = 1_000, request_id: str = "r1", **changes: object) -> httpx.Response:
        body = {"key": self.rich.secret, "amount": amount, "request_id": request_id} | changes
        return self.client.post("/v1/holds", json=body, headers=self.gateway)

    def hold_at_once(self, names: Sequence[str]) -> dict[str, httpx.Response]:
        """Ask for a hold under each name, all at the same time."""
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(lambda name: self.hold(1, name), names), strict=True))

    def held(self, amount: int = 1_000, request_id: str = "r1", **changes: object) -> str:
        """Make a hold that must succeed, and return its id."""
        answer = self.hold(amount, request_id, **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["hold"]["id"])

    def capture(self, hold_id: str, amount: int, **changes: object) -> httpx.Response:
        body = {"amount": amount} | changes
        return self.client.post(f"/v1/holds/{hold_id}/capture", json=body, headers=self.gateway)

    def release(self, hold_id: str) -> httpx.Response:
        return self.client.post(f"/v1/holds/{hold_id}/release", headers=self.gateway)

    def make_key(self, **changes: object) -> httpx.Response:
        return self.client.post("/v1/keys", json={"description": "mine"} | changes, headers=self.signed_in)

    def later(self, seconds: int) -> None:
        """Move the service's clock."""
        self.service.clock.jump_to(self.service.clock.now() + seconds)


def make_world(service: Service, sessions: sessionmaker[Session], client: httpx.Client) -> World:
    """Return a world whose account has a dollar of DIEM credit."""
    person = Person()
    return World(
        service,
        sessions,
        client,
        gateway=bearer(service.gateways.issue_token("the gateway")),
        rich=holder(sessions, diem=USD),
        person=person,
        signed_in=person.sign_in(client),
    )
