"""Anvil as a wallet asks it: the node's own refusals are handed on as they are, with their data."""

from typing import Any

import httpx

from tests.web.available import PATIENCE_SECONDS


class Refusal(Exception):
    """An error of JSON-RPC or EIP-1193, as a provider gives it to a page."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.data = code, message, data

    def error(self) -> dict[str, Any]:
        told: dict[str, Any] = {"code": self.code, "message": self.message}
        return told if self.data is None else told | {"data": self.data}


class Node:
    """One node, asked one question at a time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, params: object) -> object:
        """Return the result; raises Refusal."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._client.post(self.url, json=body).raise_for_status().json()
        if "error" in answer:
            error = answer["error"]
            raise Refusal(error["code"], error["message"], error.get("data"))
        return answer["result"]
