"""The timelock's queue against real operations, and rehearsals that leave the chain as it was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hexbytes import HexBytes

from entitlement.chain.deployment.powers import holders
from entitlement.chain.timelock.operation import NO_PREDECESSOR, Call, Operation, State
from entitlement.chain.timelock.operation_file import OperationFile, read_file, write_file
from entitlement.chain.timelock.proposal import Proposal
from entitlement.chain.timelock.queue import find, read_queue
from entitlement.chain.timelock.rehearsal import AFTER, rehearse
from entitlement.chain.transactions import deliver, prepare
from entitlement.cli.proposals import KINDS, propose
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import InvalidRequest, SetupError, TransactionFailed
from entitlement.core.units import WEI_PER_TOKEN
from tests.chain.system import DEPLOYER, System

DELAY = 9 * SECONDS_PER_EPOCH
SOMEBODY = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def queue(system: System) -> list[Operation]:
    return read_queue(system.contracts, system.deployment, system.devnet.head())


def schedule(system: System, proposal: Proposal) -> None:
    call = proposal.call
    given = (call.to, call.value, call.data, NO_PREDECESSOR, proposal.salt, DELAY)
    system.transact(DEPLOYER, "Timelock", "schedule", *given)


def call_of(system: System, what: str, *values: str) -> Call:
    return propose(system.contracts, what, values, "of no account").call


def test_an_operation_waits_then_is_ready_and_then_is_done(system: System) -> None:
    proposal = propose(system.contracts, "emission", ["2400000"], "less of it")
    schedule(system, proposal)
    waiting = find(queue(system), proposal.id.hex())
    assert (waiting.state, waiting.calls, waiting.salt) == (State.WAITING, (proposal.call,), proposal.salt)
    assert waiting.ready_at == system.devnet.head().timestamp + DELAY
    assert waiting.ready_at == system.contracts.view("Timelock", "getTimestamp", proposal.id)
    system.devnet.jump_to(waiting.ready_at - 1)
    assert find(queue(system), proposal.id.hex()).state is State.WAITING
    system.devnet.jump_to(waiting.ready_at)
    ready = find(queue(system), "0x" + proposal.id.hex()[:12])
    assert ready.state is State.READY
    function, arguments = ready.execution()
    assert function == "execute"
    done = system.transact(DEPLOYER, "Timelock", function, *arguments)
    ended = find(queue(system), proposal.id.hex())
    assert (ended.state, ended.ended_in) == (State.DONE, done["transactionHash"].to_0x_hex())
    per_year = 2_400_000 * WEI_PER_TOKEN
    rate = system.contracts.view("StakedVVV", "emissionRatePerSecond")
    assert rate * 365 * SECONDS_PER_EPOCH <= per_year < (rate + 1) * 365 * SECONDS_PER_EPOCH


@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_is_read_whole_and_executed_whole(system: System, size: int) -> None:
    calls = [call_of(system, "price", "1", "19"), call_of(system, "publisher", SOMEBODY)][:size]
    salt = bytes([size]) * 32
    targets, values, payloads = [c.to for c in calls], [c.value for c in calls], [c.data for c in calls]
    system.transact(
        DEPLOYER, "Timelock", "scheduleBatch", targets, values, payloads, NO_PREDECESSOR, salt, DELAY
    )
    waiting = queue(system)[-1]
    assert (list(waiting.calls), waiting.salt, waiting.is_batch) == (calls, salt, True)
    rehearsed = rehearse(system.anvil.url, system.deployment, system.artifacts, waiting)
    assert len(rehearsed.changed) <= size
    system.devnet.jump_to(waiting.ready_at)
    function, arguments = waiting.execution()
    system.transact(DEPLOYER, "Timelock", function, *arguments)
    assert queue(system)[-1].state is State.DONE
    assert system.contracts.view("CreditSales", "priceOf", 1) == 19_000_000


def test_what_was_cancelled_can_be_scheduled_again(system: System) -> None:
    proposal = propose(system.contracts, "guardian", [SOMEBODY], "a new one")
    schedule(system, proposal)
    system.transact(DEPLOYER, "Timelock", "cancel", proposal.id)
    cancelled = find(queue(system), proposal.id.hex())
    assert cancelled.state is State.CANCELLED
    with pytest.raises(InvalidRequest, match="cancelled: there is nothing to try"):
        rehearse(system.anvil.url, system.deployment, system.artifacts, cancelled)
    system.devnet.jump_to(system.devnet.head().timestamp + 1000)
    schedule(system, proposal)
    again = queue(system)[-1]
    assert (again.id, again.state, again.ended_in) == (proposal.id, State.WAITING, None)
    assert again.ready_at == cancelled.ready_at + (again.ready_at - cancelled.ready_at) > cancelled.ready_at


def test_a_batch_without_calls_hides_no_other_operation(system: System) -> None:
    empty, salt = list[str](), b"\x01" * 32
    given = (empty, empty, empty, NO_PREDECESSOR, salt)
    system.transact(DEPLOYER, "Timelock", "scheduleBatch", *given, DELAY)
    proposal = propose(system.contracts, "keeper", [SOMEBODY], "a new one")
    schedule(system, proposal)
    assert queue(system)[-1].id == proposal.id
    name = system.contracts.view("Timelock", "hashOperationBatch", *given)
    assert name not in {each.id for each in queue(system)}
    system.transact(DEPLOYER, "Timelock", "cancel", name)
    assert queue(system)[-1].id == proposal.id


def test_a_name_that_fits_several_operations_or_none_is_refused(system: System) -> None:
    for reason in ("once", "twice"):
        schedule(system, propose(system.contracts, "keeper", [SOMEBODY], reason))
    operations = queue(system)
    for name in ("", "0x", "ff" * 32):
        with pytest.raises(InvalidRequest, match="begins with"):
            find(operations, name)


def test_a_rehearsal_tells_the_effect_of_the_operation_alone_and_changes_nothing(system: System) -> None:
    before, block = system.contracts.view("DiemMint", "ramp"), system.devnet.head()
    proposal = propose(system.contracts, "target", ["41000", "60"], "room for more")
    tried = rehearse(system.anvil.url, system.deployment, system.artifacts, proposal)
    assert (system.contracts.view("DiemMint", "ramp"), system.devnet.head()) == (before, block)
    assert not [each for each in queue(system) if each.id == proposal.id]
    # Emission goes on in both, so the supply grew and yet is no effect of it.
    assert int(tried.later["VVV supply (wei)"]) > int(tried.now["VVV supply (wei)"])
    assert "VVV supply (wei)" not in tried.changed
    assert "DIEM target (wei)" in tried.changed
    assert tried.done["DIEM target (wei)"] == tried.without["DIEM target (wei)"]
    now, later = int(tried.now["DIEM target (wei)"]), int(tried.later["DIEM target (wei)"])
    assert later == now + (41_000 * WEI_PER_TOKEN - now) * AFTER // (60 * SECONDS_PER_EPOCH)
    assert tried.executed_at >= block.timestamp + DELAY


@pytest.mark.parametrize(
    ("what", "values", "error"),
    [
        ("emission", ["3000000"], "EmissionRateMustFall"),
        ("target", ["41000", "1"], "RampTooSteep"),
        ("target", ["100", "1"], "TargetMayOnlyRise"),
        ("bounds", ["lot=25001"], "BoundOutOfLimits"),
        ("delay", ["8"], "DelayBelowMinimum"),
        ("price", ["9", "18"], "UnknownTier|TierUnknown|NoSuchTier|Tier"),
    ],
)
def test_what_the_contracts_would_refuse_is_known_before_it_is_proposed(
    system: System, what: str, values: list[str], error: str
) -> None:
    proposal = propose(system.contracts, what, values, "wishful")
    with pytest.raises(TransactionFailed, match=error):
        rehearse(system.anvil.url, system.deployment, system.artifacts, proposal)


@pytest.mark.parametrize(
    ("what", "values", "complaint"),
    [
        ("rate", ["1"], "nothing to propose"),
        ("emission", [], "takes VVV a year, not nothing"),
        ("emission", ["1,5"], "is not an amount of tokens"),
        ("target", ["41000", "half"], "not a whole number of days"),
        ("keeper", [SOMEBODY.lower()], "with its checksum"),
        ("grant", ["owners", SOMEBODY], "is no role"),
        ("bounds", ["lots=3"], "takes some of lot=USDC"),
        ("bounds", [], "takes some of lot=USDC"),
        ("bounds", ["lot=0.0000001"], "at most 6 decimals"),
    ],
)
def test_a_proposal_that_is_written_wrongly_says_how_it_is_written(
    system: System, what: str, values: list[str], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        propose(system.contracts, what, values, "a slip")


def test_everything_that_the_timelock_may_call_can_be_proposed(system: System) -> None:
    values = {
        "emission": ["1"],
        "target": ["41000", "60"],
        "bounds": ["hop=7200"],
        "price": ["1", "18"],
        "grant": ["proposers", SOMEBODY],
        "revoke": ["executors", SOMEBODY],
        "delay": ["10"],
    }
    functions = {
        system.contracts.describe_call(call.to, call.data).partition("(")[0]
        for what in KINDS
        for call in [call_of(system, what, *values.get(what, [SOMEBODY]))]
    }
    assert functions == {
        "StakedVVV.lowerEmissionRate",
        "DiemMint.raiseTarget",
        "BuybackBurner.setBounds",
        "BuybackBurner.nameKeeper",
        "CreditSales.setPrice",
        "EpochRoots.namePublisher",
        "Guardian.nameGuardian",
        "Timelock.grantRole",
        "Timelock.revokeRole",
        "Timelock.updateDelay",
    }


def test_bounds_that_are_not_named_stay_as_they_are(system: System) -> None:
    bounds = system.contracts.view("BuybackBurner", "bounds")
    call = call_of(system, "bounds", "lot=1234.5")
    told = system.contracts.describe_call(call.to, call.data)
    assert told == f"BuybackBurner.setBounds(newBounds=({', '.join(map(str, (1_234_500_000, *bounds[1:])))}))"


def test_a_call_of_something_else_is_shown_as_it_is(system: System) -> None:
    known = system.contracts.address("DiemMint")
    assert system.contracts.describe_call(SOMEBODY, b"\x01\x02") == f"{SOMEBODY} with 0x0102"
    assert system.contracts.describe_call(known, b"\x01\x02\x03\x04") == "DiemMint with 0x01020304"
    cut = bytes.fromhex(system.contracts.call_data("DiemMint", "raiseTarget", 1, 2)[2:])[:40]
    assert system.contracts.describe_call(known, cut) == f"DiemMint with 0x{cut.hex()}"


def prepared(system: System, reason: str) -> OperationFile:
    proposal = propose(system.contracts, "keeper", [SOMEBODY], reason)
    call = proposal.call
    given = (call.to, call.value, call.data, NO_PREDECESSOR, proposal.salt, DELAY)
    timelock = system.contracts.address("Timelock")
    asked = {"to": timelock, "data": system.contracts.call_data("Timelock", "schedule", *given)}
    sender = system.address(DEPLOYER)
    reverts = system.contracts.reverts
    return OperationFile.of(prepare(system.contracts.web3, sender, asked, "it", reverts), "it")  # pyright: ignore[reportArgumentType] - texts, as the type's own


def test_what_is_signed_away_from_the_network_is_sent_as_it_was_prepared(
    system: System, tmp_path: Path
) -> None:
    file = tmp_path / "operation.json"
    write_file(prepared(system, "kept on paper"), file)
    read = read_file(file)
    signed = system.account(DEPLOYER).sign_transaction(read.fields())
    write_file(read.signed_as(signed.raw_transaction), file)
    raw = read_file(file).signed
    assert raw is not None
    receipt = deliver(system.contracts.web3, HexBytes(raw), "it", system.contracts.reverts)
    assert queue(system)[-1].scheduled_in == receipt["transactionHash"].to_0x_hex()


@pytest.mark.parametrize("field", ["to", "data", "value", "nonce", "gas", "max_fee", "chain_id", "sender"])
def test_a_file_whose_signature_is_of_something_else_is_refused(
    system: System, tmp_path: Path, field: str
) -> None:
    file = tmp_path / "operation.json"
    whole = prepared(system, "never sent")
    signed = system.account(DEPLOYER).sign_transaction(whole.fields())
    write_file(whole.signed_as(signed.raw_transaction), file)
    told = json.loads(file.read_text())
    others = {"to": SOMEBODY, "sender": SOMEBODY, "data": "0x01", "value": "1", "max_fee": "7"}
    told[field] = others.get(field, 7)
    file.write_text(json.dumps(told))
    with pytest.raises(SetupError, match="another transaction than it says"):
        read_file(file)


@pytest.mark.parametrize("field", ["signed", "data"])
@pytest.mark.parametrize("told", ["zz", "0x123g", "0x"])
def test_a_file_whose_signature_or_call_is_no_hex_is_refused(
    system: System, tmp_path: Path, field: str, told: str
) -> None:
    file = tmp_path / "operation.json"
    whole = prepared(system, "never sent")
    signed = system.account(DEPLOYER).sign_transaction(whole.fields())
    write_file(replace(whole.signed_as(signed.raw_transaction), **{field: told}), file)
    with pytest.raises(SetupError, match="another transaction than it says"):
        read_file(file)


@pytest.mark.parametrize("content", ["", "{}", '{"what": "x"}', "[1]"])
def test_a_file_that_is_no_transaction_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "operation.json"
    file.write_text(content)
    with pytest.raises(SetupError, match="is no prepared transaction"):
        read_file(file)


def test_roles_that_were_given_and_taken_are_followed(system: System) -> None:
    given = propose(system.contracts, "grant", ["executors", SOMEBODY], "a second one")
    schedule(system, given)
    system.devnet.jump_to(system.devnet.head().timestamp + DELAY)
    function, arguments = find(queue(system), given.id.hex()).execution()
    system.transact(DEPLOYER, "Timelock", function, *arguments)
    assert holders(system.contracts, system.deployment, "executors") == {system.address(DEPLOYER), SOMEBODY}
    assert holders(system.contracts, system.deployment, "proposers") == {system.address(DEPLOYER)}
