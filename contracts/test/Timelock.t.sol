// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Timelock} from "../src/Timelock.sol";
import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {ITimelock} from "../src/interfaces/ITimelock.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {WholeSystem} from "./support/WholeSystem.sol";

/// @dev The whole system under a real timelock. Every power is used through it, and through nothing else.
contract TimelockTest is WholeSystem {
    address private immutable council = person("council");
    Timelock private lock;

    function setUp() public override {
        vm.warp(NOON);
        address[] memory proposers = new address[](1);
        proposers[0] = council;
        // The zero address as executor: what is due, anybody may execute.
        lock = new Timelock(proposers, new address[](1));
        deployWhole(address(lock), true);
    }

    function test_TheEmissionIsLoweredAfterNineDays() public {
        uint256 rate = EMISSION / 2;
        carryOut(address(stakedVVV), abi.encodeCall(stakedVVV.lowerEmissionRate, (rate)));
        vm.assertEq(stakedVVV.emissionRatePerSecond(), rate);
    }

    function test_TheTargetIsRaisedAfterNineDays() public {
        carryOut(address(diemMint), abi.encodeCall(diemMint.raiseTarget, (40_000e18, 40 days)));
        (, uint256 toTarget,,) = diemMint.ramp();
        vm.assertEq(toTarget, 40_000e18);
    }

    function test_AGuardianAKeeperAndAPublisherAreNamedAfterNineDays() public {
        carryOut(address(guardian), abi.encodeCall(guardian.nameGuardian, (alice)));
        carryOut(address(burner), abi.encodeCall(burner.nameKeeper, (bob)));
        carryOut(address(epochRoots), abi.encodeCall(epochRoots.namePublisher, (carol)));
        vm.assertEq(guardian.guardian(), alice);
        vm.assertEq(burner.keeper(), bob);
        vm.assertEq(epochRoots.publisher(), carol);
    }

    function test_BoundsAndPricesAreSetAfterNineDays() public {
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.hop = 1 days;
        carryOut(address(burner), abi.encodeCall(burner.setBounds, (bounds)));
        carryOut(address(creditSales), abi.encodeCall(creditSales.setPrice, (1, 20e6)));
        vm.assertEq(burner.bounds().hop, 1 days);
        vm.assertEq(creditSales.priceOf(1), 20e6);
    }

    /// @dev The bounds hold against the timelock too.
    function test_WhatNoSettingMayDoTheTimelockCannotDoEither() public {
        expectNever(address(stakedVVV), abi.encodeCall(stakedVVV.lowerEmissionRate, (EMISSION + 1)));
        expectNever(address(diemMint), abi.encodeCall(diemMint.raiseTarget, (TARGET - 1, 40 days)));
        expectNever(address(creditSales), abi.encodeCall(creditSales.setPrice, (1, 1_001e6)));
        IBuybackBurner.Bounds memory bounds = usualBounds();
        bounds.lot = 1e30;
        expectNever(address(burner), abi.encodeCall(burner.setBounds, (bounds)));

        expectNever(address(vvv), abi.encodeCall(vvv.mint, (council, 1)));
        expectNever(address(diem), abi.encodeCall(diem.mint, (council, 1)));
        expectNever(address(stakedVVV), abi.encodeCall(stakedVVV.lock, (alice, 1)));
        expectNever(address(guardian), abi.encodeCall(guardian.pauseEntries, (1)));
        expectNever(address(burner), abi.encodeCall(burner.execute, (0, 1e6, 0, NOON + 99 days)));
    }

    function test_NobodyElseHasThePowersOfTheTimelock() public {
        address[5] memory others = [council, keeper, buyer, publisher, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.startPrank(others[i]);
            expectOnlyTimelock(others[i]);
            stakedVVV.lowerEmissionRate(0);
            expectOnlyTimelock(others[i]);
            diemMint.raiseTarget(40_000e18, 40 days);
            expectOnlyTimelock(others[i]);
            guardian.nameGuardian(others[i]);
            expectOnlyTimelock(others[i]);
            burner.nameKeeper(others[i]);
            expectOnlyTimelock(others[i]);
            burner.setBounds(usualBounds());
            expectOnlyTimelock(others[i]);
            epochRoots.namePublisher(others[i]);
            expectOnlyTimelock(others[i]);
            creditSales.setPrice(1, 20e6);
            vm.stopPrank();
        }
    }

    function test_OnlyAProposerProposesAndCancels(address stranger) public {
        vm.assume(stranger != council);
        bytes memory call = abi.encodeCall(creditSales.setPrice, (1, 20e6));
        expectNoRole(stranger, lock.PROPOSER_ROLE());
        vm.prank(stranger);
        lock.schedule(address(creditSales), 0, call, 0, 0, 9 days);

        schedule(address(creditSales), call);
        bytes32 id = lock.hashOperation(address(creditSales), 0, call, 0, 0);
        expectNoRole(stranger, lock.CANCELLER_ROLE());
        vm.prank(stranger);
        lock.cancel(id);
        vm.prank(council);
        lock.cancel(id);
        vm.warp(block.timestamp + 9 days);
        vm.assertTrue(!lock.isOperation(id), "what is cancelled is never due");
    }

    /// @dev Not even who deployed it: roles change through the timelock alone.
    function test_NobodyAdministersTheTimelockButItself() public {
        bytes32 admin = lock.DEFAULT_ADMIN_ROLE();
        vm.assertTrue(lock.hasRole(admin, address(lock)), "itself");
        address[3] memory others = [council, address(this), address(0)];
        bytes32 proposer = lock.PROPOSER_ROLE();
        for (uint256 i = 0; i < others.length; ++i) {
            vm.assertTrue(!lock.hasRole(admin, others[i]), "nobody else");
            expectNoRole(others[i], admin);
            vm.prank(others[i]);
            lock.grantRole(proposer, bob);
        }
        carryOut(address(lock), abi.encodeCall(lock.grantRole, (proposer, bob)));
        vm.assertTrue(lock.hasRole(proposer, bob), "through itself");
    }

    function test_TheDelayIsNineDaysAndNeverShorter() public {
        vm.assertEq(lock.getMinDelay(), 9 days);
        expectNever(address(lock), abi.encodeCall(lock.updateDelay, (9 days - 1)));
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, council)
        );
        vm.prank(council);
        lock.updateDelay(10 days);
        carryOut(address(lock), abi.encodeCall(lock.updateDelay, (10 days)));
        vm.assertEq(lock.getMinDelay(), 10 days);

        vm.expectRevert(abi.encodeWithSelector(ITimelock.DelayBelowMinimum.selector, 9 days - 1, 9 days));
        vm.prank(address(lock));
        lock.updateDelay(9 days - 1);
    }

    /// @dev Schedules, fails a second before it is due, and executes as a stranger when it is.
    function carryOut(address target, bytes memory call) private {
        uint256 dueAt = schedule(target, call);
        vm.warp(dueAt - 1);
        bytes32 ready = bytes32(1 << uint8(TimelockController.OperationState.Ready));
        vm.expectRevert(
            abi.encodeWithSelector(
                TimelockController.TimelockUnexpectedOperationState.selector,
                lock.hashOperation(target, 0, call, 0, 0),
                ready
            )
        );
        lock.execute(target, 0, call, 0, 0);
        vm.warp(dueAt);
        vm.prank(person("anybody"));
        lock.execute(target, 0, call, 0, 0);
    }

    function expectNever(address target, bytes memory call) private {
        vm.warp(schedule(target, call));
        (bool isDone,) = address(lock).call(abi.encodeCall(lock.execute, (target, 0, call, 0, 0)));
        vm.assertTrue(!isDone, "the timelock did what nobody may do");
    }

    function schedule(address target, bytes memory call) private returns (uint256 dueAt) {
        vm.startPrank(council);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, 9 days - 1, 9 days)
        );
        lock.schedule(target, 0, call, 0, 0, 9 days - 1);
        lock.schedule(target, 0, call, 0, 0, 9 days);
        vm.stopPrank();
        return block.timestamp + 9 days;
    }

    function expectOnlyTimelock(address caller) private {
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, caller));
    }

    function expectNoRole(address caller, bytes32 role) private {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role)
        );
    }
}
