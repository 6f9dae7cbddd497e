"""How long it takes anybody to verify a day: `entitlement verify --epoch` on 100,000 accounts.

    python scripts/bench_proofs.py                    100,000 accounts; two minutes, most of them to prepare
    python scripts/bench_proofs.py --accounts 10000 --runs 1

A process of its own plays the node, over HTTP, with three logs for each account, and has the root. Times are
of the whole command, its start included; the fastest of several runs counts.

    ours     the file read, its tree made again, all logs asked for, decoded and folded, everybody compared
    floor    nothing but the keccaks of that tree: two for each leaf, one for each node above
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from rich.console import Console
from rich.table import Table

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.bloom import bits_of
from entitlement.core.commitment import leaf_of, make_tree, spending_of
from entitlement.core.epoch_file import CONTRACTS, BlockName, EpochHead, Row, Sharing, lines_of
from entitlement.core.epochs import Epoch, ends_at, epoch_at, starts_at
from entitlement.core.pro_rata import Basis, Policy, share
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wallet, Wei

CHAIN_ID = 424_242
BLOCK_SECONDS = 60
EPOCH = Epoch(20_000)
DAYS_BEFORE = 2
"""In which the logs are."""
ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(CONTRACTS, 0xC0)}
LOGS_FROM, LOGS_TO = 10, 2_000
CAPACITY = NanoUsd(1_000_000 * NANO_USD_PER_USD)
console = Console()


def time_of(block: int) -> int:
    """Return when a block was made."""
    return starts_at(Epoch(EPOCH - DAYS_BEFORE)) + block * BLOCK_SECONDS


LAST = (ends_at(EPOCH) - time_of(0)) // BLOCK_SECONDS + 100
START = (starts_at(EPOCH) - time_of(0)) // BLOCK_SECONDS - 1
"""The last block before the day."""


def hash_of(block: int) -> str:
    """Return a block's hash."""
    return f"0x{block:064x}"


def topics() -> dict[tuple[str, str], str]:
    """Return the first topic of the events that are made up here."""
    signatures = {
        ("StakedVVV", "Staked"): "",
        ("InferenceStake", "Staked"): "",
        ("InferenceStake", "AllowanceChanged"): "",
    }
    artifacts = load_artifacts()
    for contract, event in signatures:
        for entry in artifacts[contract].abi:
            if entry["type"] == "event" and entry["name"] == event:
                types = ",".join(argument["type"] for argument in entry["inputs"])
                signatures[contract, event] = f"0x{keccak(text=f'{event}({types})').hex()}"
    return signatures


def wallet_of(number: int) -> Wallet:
    """Return an account; they are spread over all addresses."""
    return Wallet(f"0x{keccak(number.to_bytes(8, 'big'))[:20].hex()}")


def stake_of(number: int) -> Wei:
    """Return what an account staked of both tokens."""
    return Wei((1 + number % 97) * WEI_PER_TOKEN)


def logs_by_block(accounts: int) -> dict[int, bytes]:
    """Return the logs of each block as the node writes them, without the brackets around them."""
    first = topics()
    found: list[tuple[int, bytes]] = []
    for number in range(accounts):
        block = LOGS_FROM + number * (LOGS_TO - LOGS_FROM) // accounts
        name = "0x" + "0" * 24 + wallet_of(number)[2:]
        amount = f"{stake_of(number):064x}"
        epoch = f"0x{epoch_at(time_of(block)):064x}"
        said: list[tuple[tuple[str, str], list[str], str]] = [
            (("StakedVVV", "Staked"), [name, name], amount),
            (("InferenceStake", "Staked"), [name, name], amount),
            (("InferenceStake", "AllowanceChanged"), [name, epoch], amount + amount),
        ]
        for place, indexed, data in said:
            log = {
                "address": ADDRESSES[place[0]],
                "topics": [first[place], *indexed],
                "data": f"0x{data}",
                "blockNumber": hex(block),
                "blockHash": hash_of(block),
                "transactionHash": f"0x{number:064x}",
                "transactionIndex": "0x0",
                "removed": False,
            }
            found.append((block, json.dumps(log).encode()[:-1]))
    return {
        block: b",".join(
            log + f', "logIndex": "{index:#x}"}}'.encode() for index, (_, log) in enumerate(of_block)
        )
        for block, of_block in groupby(found, key=lambda each: each[0])
    }


def write_file(accounts: int, path: Path) -> tuple[EpochHead, str]:
    """Write the public file of a day in which everybody was granted what is due."""
    total = Wei(sum(stake_of(number) for number in range(accounts)))
    policy = Policy(CAPACITY, Wei(0))
    rows = sorted(
        (
            Row(
                wallet_of(number),
                NanoUsd(stake_of(number) // NANO_USD_PER_USD),
                share(policy, Basis(START, stake_of(number), total)),
                spending_of(NanoUsd(number), number.to_bytes(32, "big")),
            )
            for number in range(accounts)
        ),
        key=lambda row: row.wallet,
    )
    tree = make_tree(leaf_of(EPOCH, row.wallet, row.granted, row.spending) for row in rows)
    head = EpochHead(
        chain_id=CHAIN_ID,
        contracts=ADDRESSES,
        deployed=BlockName(1, hash_of(1)),
        epoch=EPOCH,
        block=BlockName(LAST, hash_of(LAST)),
        sharing=Sharing(CAPACITY, Wei(0), BlockName(START, hash_of(START)), total, is_disputed=False),
        journal_heads=(),
        root=tree.root,
        accounts=accounts,
        diem=NanoUsd(sum(row.diem for row in rows)),
        pro_rata=NanoUsd(sum(row.pro_rata for row in rows)),
        spent=NanoUsd(0),
    )
    content = b"".join(lines_of(head, rows))
    path.write_bytes(content)
    return head, hashlib.sha256(content).hexdigest()


def bloom_of_all() -> str:
    """Return the filter of a block with all that is made up here; what wallets add to it is left out."""
    bits = 0
    for place, topic in topics().items():
        bits |= bits_of(bytes.fromhex(ADDRESSES[place[0]][2:])) | bits_of(bytes.fromhex(topic[2:]))
    return f"0x{bits:0512x}"


def blocks_asked(wanted: dict[str, str]) -> range:
    """Return which blocks a question for logs is about."""
    if "blockHash" in wanted:
        number = int(wanted["blockHash"], 16)
        return range(number, number + 1)
    return range(int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16) + 1)


def play_node(port: Any, accounts: int, head: EpochHead, file_hash: str) -> None:  # noqa: ANN401 - a shared number
    """Answer as a node of this chain until the process is ended."""
    logs = logs_by_block(accounts)
    words = (head.granted, head.spent, head.accounts)
    committed = head.root.hex() + "".join(f"{word:064x}" for word in words) + file_hash + f"{1:064x}"

    blooms = dict.fromkeys(logs, bloom_of_all())
    silent = f"0x{0:0512x}"

    def block(number: int) -> dict[str, str]:
        return {
            "number": hex(number),
            "hash": hash_of(number),
            "parentHash": hash_of(max(0, number - 1)),
            "timestamp": hex(time_of(number)),
            "logsBloom": blooms.get(number, silent),
        }

    def answer(asked: dict[str, Any]) -> bytes:
        match asked["method"]:
            case "eth_chainId":
                return json.dumps(hex(CHAIN_ID)).encode()
            case "eth_getBlockByNumber":
                name = asked["params"][0]
                return json.dumps(block(LAST if name == "finalized" else int(name, 16))).encode()
            case "eth_getLogs":
                return b"[" + b",".join(logs[n] for n in blocks_asked(asked["params"][0]) if n in logs) + b"]"
            case "eth_call":
                return json.dumps(f"0x{committed}").encode()
            case other:
                raise AssertionError(other)

    class Handler(BaseHTTPRequestHandler):
        """One question at a time."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked: dict[str, Any] | list[dict[str, Any]]
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            questions = asked if isinstance(asked, list) else [asked]
            answers = [
                b'{"jsonrpc":"2.0","id":%d,"result":%s}' % (each["id"], answer(each)) for each in questions
            ]
            body = b"[" + b",".join(answers) + b"]" if isinstance(asked, list) else answers[0]
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own names
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of who hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    port.value = server.server_port
    server.serve_forever()


def floor(accounts: int) -> float:
    """Return how long the keccaks of a tree take alone."""
    leaf, node = bytes(128), bytes(64)
    begun = time.perf_counter()
    for _ in range(accounts):
        keccak(keccak(leaf))
        keccak(node)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load_artifacts()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"epoch-{EPOCH}.json"
        head, file_hash = write_file(options.accounts, path)
        port = multiprocessing.Value("i", 0)
        node = multiprocessing.Process(
            target=play_node, args=(port, options.accounts, head, file_hash), daemon=True
        )
        node.start()
        try:
            while not port.value:
                assert node.is_alive(), "the node did not start"
                time.sleep(0.1)
            taken = min(_run(path, f"http://127.0.0.1:{port.value}") for _ in range(options.runs))
        finally:
            node.terminate()
        size = path.stat().st_size
    least = min(floor(options.accounts) for _ in range(options.runs))
    table = Table("accounts", "file", "ours", "floor", "times the floor", box=None)
    megabytes = f"{size / 1e6:.1f} MB"
    table.add_row(
        f"{options.accounts:,}", megabytes, f"{taken:.1f} s", f"{least:.1f} s", f"{taken / least:.1f}"
    )
    console.print(table)


def _run(path: Path, url: str) -> float:
    command = [sys.executable, "-m", "entitlement", "verify", "--epoch", str(EPOCH), "--rpc", url]
    begun = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--file", str(path)], env=os.environ, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - begun
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return taken


if __name__ == "__main__":
    main()
