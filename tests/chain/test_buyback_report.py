"""`entitlement buyback report` on a real chain: from logs alone, and it adds up or says so."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.record import write_deployment
from entitlement.chain.networks import Network
from entitlement.chain.public.logs import PublicLogs
from entitlement.chain.public.period import Period, PeriodReader
from entitlement.cli.main import make_app
from entitlement.core.buyback_lines import buyback_lines
from entitlement.core.errors import InvalidRequest, NodeUnavailable
from entitlement.core.public_events import BuybackExecuted
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import SpendCredit
from entitlement.report.buyback_page import as_html
from entitlement.report.buybacks import COLUMNS, BuybackReport, as_csv, as_json, as_markdown
from entitlement.report.live_sample import read_live_burns
from entitlement.report.words import day
from entitlement.store.session import session_factory
from tests.chain.public_story import DAY, VVV, Story
from tests.chain.system import System, deployed
from tests.support import USD, holder

FORMS = ("md", "json", "csv", "html")


@dataclass(frozen=True)
class Told:
    """A system with runs in three months, and the transactions of the runs."""

    system: System
    runs: list[str]
    file: Path

    def report(self, *options: str) -> Result:
        system = self.system
        place = ["--rpc-url", system.anvil.url, "--deployment", str(self.file)]
        return CliRunner().invoke(make_app(["buyback"]), ["buyback", "report", *place, *options])

    def reader(self, network: Network | None = None) -> PeriodReader:
        system = self.system
        return PeriodReader(system.anvil.url, network or system.network, system.deployment, system.artifacts)

    def supply_at(self, block: int) -> int:
        return int(self.system.contracts.view("VVV", "totalSupply", block=block))


@pytest.fixture(scope="module")
def told(network: Network, artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with deployed(network, artifacts) as system:
        story = Story(system)
        story.open_market()
        story.do("VVV", "burn", 999 * VVV)
        runs = [story.buy_back()]
        story.trade(2_000 * VVV)
        runs.append(story.buy_back(gift=3 * VVV))
        for _ in range(2):
            story.wait(30 * DAY)
            system.transact(0, "StakedVVV", "accrue")
            runs.append(story.buy_back())
        story.do("VVV", "burn", VVV)
        file = tmp_path_factory.mktemp("deployment") / "31337.json"
        write_deployment(system.deployment, file)
        yield Told(system, runs, file)


def made_of(told: Told, period: Period | None = None) -> BuybackReport:
    said = told.reader().read(period or Period())
    deployment = told.system.deployment
    return BuybackReport(
        network=deployment.network,
        chain_id=deployment.chain_id,
        burner=deployment.addresses["BuybackBurner"],
        first_block=said.first.number,
        first_time=said.first.timestamp,
        last_block=said.last.number,
        last_hash=said.last.hash,
        last_time=said.last.timestamp,
        final_block=said.final.number,
        lines=tuple(buyback_lines(said.events)),
        change=said.change,
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_run_is_told_by_its_transaction_and_they_add_up(told: Told, form: str) -> None:
    done = told.report("--format", form)
    assert done.exit_code == 0, done.output
    for transaction in told.runs:
        assert transaction in done.stdout
    assert "a difference of 0" in done.stderr
    assert "a difference of" not in done.stdout or form == "md"


def test_the_sum_of_the_runs_is_the_fall_of_the_supply_in_their_blocks(told: Told) -> None:
    made = made_of(told)
    web3 = told.system.contracts.web3
    fallen = 0
    for transaction in told.runs:
        block = web3.eth.get_transaction_receipt(transaction)["blockNumber"]  # type: ignore[arg-type]
        fallen += told.supply_at(block - 1) - told.supply_at(block)
    assert made.burned == fallen > 0
    assert made.difference == 0
    assert made.change.burned_by_others == 1_000 * VVV
    assert made.change.burned_by_burner == made.burned


def test_parts_of_the_time_add_up_by_themselves_and_together(told: Told) -> None:
    whole = made_of(told)
    times = [line.at.time for line in whole.lines]
    ends = [None, times[0], times[1] + 1, times[2] + DAY, None]
    parts = [made_of(told, Period(start, end)) for start, end in itertools.pairwise(ends)]
    assert [len(part.lines) for part in parts] == [0, 2, 1, 1]
    assert [part.difference for part in parts] == [0, 0, 0, 0]
    assert tuple(line for part in parts for line in part.lines) == whole.lines
    for part, following in itertools.pairwise(parts):
        assert following.first_block == part.last_block + 1
        assert part.change.after == following.change.before
    with pytest.raises(InvalidRequest):
        made_of(told, Period(times[-1] + 1_000 * DAY))


def test_a_range_of_single_blocks_tells_the_same(told: Told) -> None:
    network = replace(told.system.network, blocks_per_request=1)
    assert told.reader(network).read(Period()) == told.reader().read(Period())


def test_a_run_that_the_logs_do_not_have_is_noticed(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = PublicLogs.read

    def leaves_out(*given: object) -> object:
        events = honest(*given)  # type: ignore[arg-type]
        return [event for event in events if not (isinstance(event, BuybackExecuted) and event.run == 1)]

    monkeypatch.setattr(PublicLogs, "read", leaves_out)
    done = told.report("--format", "csv")
    assert done.exit_code == 1
    assert re.search(r"a difference of -[1-9]", done.stderr)
    assert len(done.stdout.splitlines()) == len(told.runs)


def test_the_table_has_every_digit(told: Told) -> None:
    made = made_of(told)
    rows = list(csv.DictReader(io.StringIO(as_csv(made))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["transaction"] for row in rows] == told.runs
    assert sum(int(row["vvv_burned_wei"]) for row in rows) == made.burned
    assert [int(row["vvv_given_wei"]) for row in rows] == [0, 3 * VVV, 0, 0]
    document = json.loads(as_json(made))
    assert document["runs"] == rows
    assert document["difference_wei"] == "0"
    assert sum(int(month["vvv_burned_wei"]) for month in document["months"]) == made.burned
    assert len(document["months"]) >= 2


def test_a_time_is_chosen_by_days(told: Told) -> None:
    # By the second run's day: at some times of the day it is not the first one's.
    second = made_of(told).lines[1]
    done = told.report("--format", "csv", "--to", day(second.at.time + DAY))
    assert [row["run"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["0", "1"]
    done = told.report("--format", "csv", "--from", day(second.at.time + 2 * DAY))
    assert [row["run"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["2", "3"]
    done = told.report("--from", "soon")
    assert isinstance(done.exception, InvalidRequest)


def test_revenue_is_told_where_it_is_known(told: Told) -> None:
    made = made_of(told)
    months = [each.month for each in made.months()]
    assert "revenue" not in as_markdown(made)
    assert "Share of revenue" not in as_html(made)
    rich = replace(made, revenue=dict.fromkeys(months, NanoUsd(20_000 * 10**9)))
    assert rich.months()[0].share_of_revenue == f"{rich.months()[0].usdc // (20_000 * 10**4)}.0 %"
    assert rich.months()[0].share_of_revenue in as_markdown(rich)
    assert "Share of revenue" in as_html(rich)
    none = replace(made, revenue={})
    assert none.months()[0].share_of_revenue == "0.0 %"


def test_revenue_is_what_was_spent_of_credit_that_somebody_paid_for(
    told: Told, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = session_factory(database)
    who, spend = holder(sessions, diem=USD, prepaid=50 * USD), SpendCredit(sessions)
    held = spend.hold(who.gateway_id, who.request(41 * USD)).hold
    spend.capture(who.gateway_id, held.id, NanoUsd(41 * USD), None)
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("ENTITLEMENT_TOKEN_SECRET", "0123456789abcdef" * 4)
    document = json.loads(told.report("--format", "json", "--ledger").stdout)
    first, *later = [int(month["revenue_nano_usd"]) for month in document["months"]]
    assert (first, sum(later)) == (40 * USD, 0)


def test_a_report_without_a_run_is_a_report(told: Told) -> None:
    empty = made_of(told, Period(end=made_of(told).lines[0].at.time))
    assert empty.lines == ()
    for render in (as_markdown, as_html, as_csv, as_json):
        assert render(empty)


@pytest.mark.parametrize("form", FORMS)
def test_the_live_history_is_told_without_a_node(form: str, tmp_path: Path) -> None:
    out = tmp_path / "sample"
    done = CliRunner().invoke(
        make_app(["buyback"]),
        [
            "buyback",
            "report",
            "--sample",
            "--format",
            form,
            "--out",
            str(out),
            "--rpc-url",
            "http://127.0.0.1:1",
        ],
    )
    assert (done.exit_code, done.stdout) == (0, "")
    burns = read_live_burns()
    assert burns.total == 33_752_745 * 10**16
    assert [name for name, _ in burns.months][::9] == ["2025-12", "2026-09"]
    for name, burned in burns.months:
        assert name in out.read_text()
        assert (f"{burned // 10**18:,}" if form in ("md", "html") else str(burned)) in out.read_text()


def test_a_node_that_is_away_is_said_to_be(told: Told) -> None:
    done = CliRunner().invoke(
        make_app(["buyback"]),
        ["buyback", "report", "--rpc-url", "http://127.0.0.1:1", "--deployment", str(told.file)],
    )
    assert isinstance(done.exception, NodeUnavailable)
