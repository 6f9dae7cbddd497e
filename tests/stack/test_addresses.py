"""`entitlement serve` as it is started: which proxies it believes, and whom it refuses by address."""

from pathlib import Path

import httpx
from sqlalchemy import Engine

from tests.gateway.running import free_port
from tests.stack.processes import serving

ALLOWED = {"ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE": "4", "ENTITLEMENT_REFUSALS_PER_MINUTE": "2"}


def statuses(url: str, asking: int) -> list[int]:
    """Ask so many times from this machine, under another forwarded address each time."""
    with httpx.Client(base_url=url, timeout=30) as client:
        return [
            client.get("/v1/nothing", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
            for number in range(asking)
        ]


def test_by_itself_it_believes_nobody_about_addresses(database: Engine, tmp_path: Path) -> None:
    port = free_port()
    with serving(database.url, port, tmp_path / "api.log", **ALLOWED) as process:
        url = f"http://127.0.0.1:{port}"
        assert statuses(url, 6) == [404] * 4 + [429] * 2
        guesses = [httpx.get(f"{url}/v1/keys", headers={"Authorization": f"Bearer {n}"}) for n in range(3)]
        assert [each.status_code for each in guesses] == [401, 401, 429]
        assert "203.0.113" not in process.text
        assert "127.0.0.1" not in process.text.replace(f"http://127.0.0.1:{port}", "")


def test_a_proxy_that_it_is_told_of_is_believed_and_the_metrics_tell_how_many_were_refused(
    database: Engine, tmp_path: Path
) -> None:
    port, metrics_port = free_port(), free_port()
    told = ALLOWED | {
        "ENTITLEMENT_TRUSTED_PROXIES": "127.0.0.0/8",
        "ENTITLEMENT_API_METRICS_PORT": str(metrics_port),
    }
    with serving(database.url, port, tmp_path / "api.log", **told):
        url = f"http://127.0.0.1:{port}"
        assert statuses(url, 6) == [404] * 6
        assert statuses(url, 6)[0] == 404
        for _ in range(4):
            last = httpx.get(f"{url}/v1/nothing", headers={"X-Forwarded-For": "203.0.113.0"})
        assert last.status_code == 429
        text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", timeout=30).text
        assert 'refused_by_address_total{rate="anonymous"} 2.0' in text
        assert "203.0.113" not in text
