// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../src/interfaces/IStation.sol";
import {Contracts} from "./invariant/Books.sol";
import {HandledSystem} from "./invariant/HandledSystem.sol";
import {Handler} from "./invariant/Handler.sol";
import {LogFold} from "./support/LogFold.sol";

/// @title The handler as a mere user: forge would record the logs of what it tries in vain, and checks take time
contract QuietHandler is Handler {
    constructor(Contracts memory contracts, string[] memory names) Handler(contracts, names) {}

    function refused(address, address, bytes memory, string memory) internal pure override {}

    function check() internal pure override {}
}

/// @title Every position can be rebuilt from logs alone
contract LogsTest is HandledSystem {
    uint256 private constant ACTS = 120;

    string[] private names = ["alice", "bob", "mallory"];
    LogFold private fold;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        fold = new LogFold();
        begin(names, 5_000_000e18);
        for (uint256 i = 0; i < names.length; ++i) {
            handler.stakeVVV(i, i, 1_000_001e18);
            handler.mintExactOut(i, 500e18 + 1);
            handler.stakeDiem(i, i, 500e18 + 1);
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function test_EveryPositionCanBeRebuiltFromLogsAlone(uint256 seed) public {
        for (uint256 i = 0; i < ACTS; ++i) {
            act(uint256(keccak256(abi.encode(seed, i))));
        }
        fold.apply_(vm.getRecordedLogs());

        for (uint256 i = 0; i < names.length; ++i) {
            assertAccount(person(names[i]));
        }
        assertTickets(stakedVVV);
        assertTickets(inferenceStake);
        assertDelegations();
        assertSystem();
    }

    function made(Contracts memory contracts, string[] memory people) internal override returns (Handler) {
        return new QuietHandler(contracts, people);
    }

    /// @dev All arguments of the handler are numbers that it folds; what one action does not take it ignores.
    function act(uint256 seed) private {
        bytes4[21] memory acts = [
            handler.stakeVVV.selector,
            handler.requestVVV.selector,
            handler.claimRewards.selector,
            handler.compound.selector,
            handler.poke.selector,
            handler.mintDiem.selector,
            handler.mintExactOut.selector,
            handler.burnDiem.selector,
            handler.transferDiem.selector,
            handler.stakeDiem.selector,
            handler.requestDiem.selector,
            handler.delegate.selector,
            handler.delegate.selector,
            handler.endDelegation.selector,
            handler.cancelTicket.selector,
            handler.claimTickets.selector,
            handler.pass.selector,
            handler.passToMidnight.selector,
            handler.lowerEmission.selector,
            handler.raiseTarget.selector,
            handler.brake.selector
        ];
        bytes memory call =
            abi.encodeWithSelector(acts[seed % 21], seed >> 8, seed >> 16, seed >> 24, seed >> 32);
        (bool done,) = address(handler).call(call);
        vm.assertTrue(done, "the handler acts");
    }

    function assertAccount(address account) private view {
        vm.assertEq(
            fold.staked(address(stakedVVV), account), stakedVVV.balanceOfUnlocked(account), "unlocked"
        );
        vm.assertEq(fold.locked(account), stakedVVV.balanceOfLocked(account), "locked");
        vm.assertEq(fold.cooling(address(stakedVVV), account), stakedVVV.coolingOf(account), "VVV cooling");
        (uint256 locked, uint256 minted) = diemMint.lockedStakes(account);
        vm.assertEq(fold.lockedByPosition(account), locked, "locked by the position");
        vm.assertEq(fold.minted(account), minted, "minted");
        vm.assertEq(
            fold.staked(address(inferenceStake), account), inferenceStake.stakedOf(account), "DIEM staked"
        );
        vm.assertEq(
            fold.cooling(address(inferenceStake), account), inferenceStake.coolingOf(account), "DIEM cooling"
        );
        vm.assertEq(fold.delegated(account), inferenceStake.delegatedOf(account), "delegated");

        (uint256 epoch, uint256 foldedCurrent, uint256 foldedNext) = fold.slots(account);
        (uint256 current, uint256 next) = inferenceStake.allowanceOf(account);
        vm.assertEq(epoch < inferenceStake.epoch() ? foldedNext : foldedCurrent, current, "current");
        vm.assertEq(foldedNext, next, "next");
    }

    function assertTickets(IStation station) private {
        vm.assertEq(fold.ticketCount(address(station)), station.ticketCount(), "tickets");
        for (uint256 ticket = station.ticketCount(); ticket != 0; --ticket) {
            for (uint256 i = 0; i < names.length; ++i) {
                assertTicket(station, person(names[i]), ticket);
            }
        }
    }

    /// @dev The ticket of another is none.
    function assertTicket(IStation station, address account, uint256 ticket) private view {
        (address owner, uint256 amount, uint256 due, IStation.TicketState state) =
            fold.tickets(address(station), ticket);
        if (owner != account) (amount, due, state) = (0, 0, IStation.TicketState.None);
        bytes32 folded = keccak256(abi.encode(amount, due, state));
        (amount, due, state) = station.ticketOf(account, ticket);
        vm.assertEq(keccak256(abi.encode(amount, due, state)), folded, "a ticket");
    }

    function assertDelegations() private view {
        vm.assertEq(fold.delegationCount(), inferenceStake.delegationCount(), "delegations");
        for (uint256 id = inferenceStake.delegationCount(); id != 0; --id) {
            (address from, address to, uint256 amount, uint256 until, bool open) =
                inferenceStake.delegationOf(id);
            bytes32 found = keccak256(abi.encode(from, to, amount, until, open));
            (from, to, amount, until, open) = fold.delegations(id);
            vm.assertEq(keccak256(abi.encode(from, to, amount, until, open)), found, "a delegation");
        }
    }

    function assertSystem() private {
        vm.assertEq(fold.diemSupply(), diem.totalSupply(), "the DIEM supply");
        vm.assertEq(fold.unlockedIndex(), stakedVVV.unlockedIndex(), "the unlocked index");
        vm.assertEq(fold.lockedIndex(), stakedVVV.lockedIndex(), "the locked index");
        vm.assertEq(GENESIS + fold.emitted(), vvv.totalSupply() + handler.burned(), "the emission");
        if (fold.emissionRate() != 0) {
            vm.assertEq(fold.emissionRate(), stakedVVV.emissionRatePerSecond(), "the rate");
        }
        vm.warp(block.timestamp + 100 days);
        vm.assertEq(fold.targetAtEnd(), diemMint.target(), "the target");
    }
}
