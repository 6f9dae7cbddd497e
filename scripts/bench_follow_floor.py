"""The floor of bench_follow.py: the follower's requests, nothing done to the answers, then COPY of its rows.

Arguments: the node's URL, the first block, the database's URL, the file of rows, the contracts' addresses.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import local
from urllib.parse import urlsplit

import psycopg

BLOCKS_PER_BATCH = 100
BLOCKS_PER_RANGE = 1_000
IN_FLIGHT = 2
HASHES_ONLY = False


def main() -> None:
    """Ask, throw away, copy."""
    url, start, database, rows, *addresses = sys.argv[1:]
    address, kept = urlsplit(url), local()

    def ask(question: object) -> bytes:
        if not hasattr(kept, "connection"):
            kept.connection = HTTPConnection(address.hostname or "", address.port)
        kept.connection.request("POST", "/", json.dumps(question), {"content-type": "application/json"})
        return kept.connection.getresponse().read()

    first = int(start)
    last = int(json.loads(ask(_call("eth_blockNumber")))["result"], 16)
    per_range = BLOCKS_PER_RANGE if last - first > BLOCKS_PER_RANGE else 10
    questions: list[object] = [
        [
            _call("eth_getBlockByNumber", hex(number), HASHES_ONLY)
            for number in range(part, min(part + BLOCKS_PER_BATCH, last + 1))
        ]
        for part in range(first, last + 1, BLOCKS_PER_BATCH)
    ]
    questions += [
        _call(
            "eth_getLogs",
            {"address": addresses, "fromBlock": hex(part), "toBlock": hex(min(part + per_range - 1, last))},
        )
        for part in range(first, last + 1, per_range)
    ]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for answer in pool.map(ask, questions):
            assert answer, "the node is silent"
    with psycopg.connect(database) as connection, connection.cursor().copy("COPY events FROM STDIN") as copy:
        copy.write(Path(rows).read_bytes())


def _call(method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}


if __name__ == "__main__":
    main()
