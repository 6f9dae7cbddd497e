// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStation} from "../src/interfaces/IStation.sol";
import {Handler} from "./invariant/Handler.sol";
import {Contracts} from "./invariant/Watch.sol";
import {LogFold} from "./support/LogFold.sol";
import {System} from "./support/System.sol";

/// @title Every position can be rebuilt from logs alone
contract LogsTest is System {
    uint256 private constant ACTS = 120;

    address[] private actors;
    LogFold private fold;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        actors = [alice, bob, carol];
        fold = new LogFold();
        for (uint256 i = 0; i < actors.length; ++i) {
            fund(actors[i], 5_000_000e18);
            stakeDiem(actors[i], 500e18);
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function test_EveryPositionCanBeRebuiltFromLogsAlone(uint256 seed) public {
        Handler handler = new Handler(
            Contracts(guardian, vvv, stakedVVV, diem, diemMint, inferenceStake, timelock, keeper), actors
        );
        for (uint256 i = 0; i < ACTS; ++i) {
            act(handler, uint256(keccak256(abi.encode(seed, i))));
        }
        fold.apply_(vm.getRecordedLogs());

        for (uint256 i = 0; i < actors.length; ++i) {
            assertAccount(actors[i]);
        }
        assertTickets(stakedVVV);
        assertTickets(inferenceStake);
        assertDelegations();
        assertSystem(handler);
    }

    /// @dev All arguments of the handler are numbers that it folds; what one action does not take it ignores.
    function act(Handler handler, uint256 seed) private {
        bytes4[21] memory acts = [
            Handler.stakeVVV.selector,
            Handler.requestVVV.selector,
            Handler.claimRewards.selector,
            Handler.compound.selector,
            Handler.poke.selector,
            Handler.mintDiem.selector,
            Handler.mintExactOut.selector,
            Handler.burnDiem.selector,
            Handler.transferDiem.selector,
            Handler.stakeDiem.selector,
            Handler.requestDiem.selector,
            Handler.delegate.selector,
            Handler.delegate.selector,
            Handler.endDelegation.selector,
            Handler.cancelTicket.selector,
            Handler.claimTicket.selector,
            Handler.pass.selector,
            Handler.passToMidnight.selector,
            Handler.lowerEmission.selector,
            Handler.raiseTarget.selector,
            Handler.brake.selector
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

    function assertTickets(IStation station) private view {
        vm.assertEq(fold.ticketCount(address(station)), station.ticketCount(), "tickets");
        for (uint256 ticket = station.ticketCount(); ticket != 0; --ticket) {
            for (uint256 i = 0; i < actors.length; ++i) {
                assertTicket(station, actors[i], ticket);
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

    function assertSystem(Handler handler) private {
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
