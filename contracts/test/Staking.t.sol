// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IStakedVVV} from "../src/interfaces/IStakedVVV.sol";
import {IStation} from "../src/interfaces/IStation.sol";
import {System} from "./support/System.sol";

/// @dev Entries of both stations, and balances of StakedVVV. Tickets and rewards have files of their own.
contract StakingTest is System {
    function test_AStakeMovesTheTokensOfThePayerToTheAccount(uint96 amount) public {
        vm.assume(amount > 0 && amount <= GENESIS);
        fund(alice, amount);
        vm.expectEmit(address(stakedVVV));
        emit IStation.Staked(alice, bob, amount);
        vm.prank(alice);
        stakedVVV.stake(bob, amount);

        vm.assertEq(stakedVVV.balanceOf(alice), 0);
        vm.assertEq(stakedVVV.balanceOf(bob), amount);
        vm.assertEq(stakedVVV.balanceOfUnlocked(bob), amount);
        vm.assertEq(stakedVVV.balanceOfLocked(bob), 0);
        vm.assertEq(stakedVVV.totalStaked(), amount);
        vm.assertEq(stakedVVV.totalSupply(), amount);
        vm.assertEq(vvv.balanceOf(alice), 0);
        vm.assertEq(vvv.balanceOf(address(stakedVVV)), amount);
    }

    function test_AStakeForAnotherIsTheOthers() public {
        fund(alice, 10e18);
        vm.prank(alice);
        stakedVVV.stake(bob, 10e18);
        expectInsufficientUnlocked(alice, 0, 1);
        vm.prank(alice);
        stakedVVV.requestUnstake(1);
        vm.prank(bob);
        stakedVVV.requestUnstake(10e18);
    }

    function test_NobodyStakesWhatTheyDidNotApprove() public {
        vm.prank(genesisHolder);
        vvv.transfer(alice, 10);
        bytes memory reason = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientAllowance.selector, address(stakedVVV), 0, 10
        );
        vm.expectRevert(reason);
        vm.prank(alice);
        stakedVVV.stake(alice, 10);

        // Nor can another spend what they did approve: the payer is the caller.
        vm.prank(alice);
        vvv.approve(address(stakedVVV), 10);
        vm.expectRevert(reason);
        vm.prank(bob);
        stakedVVV.stake(alice, 10);
    }

    function test_AStationRefusesThoseWhoCouldNeverLeave() public {
        fund(alice, 10);
        mintDiem(alice, 10);
        address[4] memory refused = [address(0), address(stakedVVV), address(vvv), address(diemMint)];
        for (uint256 i = 0; i < refused.length; ++i) {
            expectRefused(refused[i]);
            vm.prank(alice);
            stakedVVV.stake(refused[i], 10);
        }
        refused = [address(0), address(inferenceStake), address(diem), address(0)];
        for (uint256 i = 0; i < refused.length; ++i) {
            expectRefused(refused[i]);
            vm.prank(alice);
            inferenceStake.stake(refused[i], 10);
        }
    }

    function test_ARequestBeyondTheUnlockedStakeIsRefused(uint256 amount) public {
        stakeVVV(alice, 100e18);
        amount = bound(amount, 100e18 + 1, type(uint256).max);
        expectInsufficientUnlocked(alice, 100e18, amount);
        vm.prank(alice);
        stakedVVV.requestUnstake(amount);
    }

    /// @dev Invariant 10.
    function test_LockedStakeCannotBeRequested() public {
        mintDiem(alice, 10e18);
        vm.assertGt(stakedVVV.balanceOf(alice), 900e18, "it is there");
        expectInsufficientUnlocked(alice, 0, 1);
        vm.prank(alice);
        stakedVVV.requestUnstake(1);
    }

    function test_AnAmountThatDoesNotFitIsRefusedAtTheEntry() public {
        uint256 huge = uint256(type(uint96).max) + 1;
        vm.prank(address(stakedVVV));
        vvv.mint(genesisHolder, huge);
        fund(alice, huge);
        stakeVVV(bob, 1);
        expectTooWide(huge);
        vm.prank(alice);
        stakedVVV.stake(alice, huge);
        expectTooWide(huge);
        vm.prank(alice);
        stakedVVV.stake(alice, huge - 1);
        vm.prank(alice);
        stakedVVV.stake(alice, huge - 2);
    }

    function test_APermitStandsInForAnApproval() public {
        vm.prank(genesisHolder);
        vvv.transfer(alice, 10e18);
        (uint8 v, bytes32 r, bytes32 s) = signPermit(address(vvv), address(stakedVVV), 10e18);
        vm.prank(alice);
        stakedVVV.stakeWithPermit(bob, 10e18, NOON, v, r, s);
        vm.assertEq(stakedVVV.balanceOf(bob), 10e18);

        mintDiem(alice, 2e18);
        (v, r, s) = signPermit(address(diem), address(inferenceStake), 2e18);
        vm.prank(alice);
        inferenceStake.stakeWithPermit(bob, 2e18, NOON, v, r, s);
        vm.assertEq(inferenceStake.stakedOf(bob), 2e18);
    }

    /// @dev Invariant 26.
    function test_APermitThatSomebodyElseHandedInDoesNotBlockTheStake() public {
        vm.prank(genesisHolder);
        vvv.transfer(alice, 10e18);
        (uint8 v, bytes32 r, bytes32 s) = signPermit(address(vvv), address(stakedVVV), 10e18);
        vm.prank(bob);
        vvv.permit(alice, address(stakedVVV), 10e18, NOON, v, r, s);

        vm.prank(alice);
        stakedVVV.stakeWithPermit(alice, 10e18, NOON, v, r, s);
        vm.assertEq(stakedVVV.balanceOf(alice), 10e18);
    }

    function test_APermitOfAnotherOrOfYesterdayGivesNothing() public {
        vm.startPrank(genesisHolder);
        vvv.transfer(alice, 10e18);
        vvv.transfer(bob, 10e18);
        vm.stopPrank();
        (uint8 v, bytes32 r, bytes32 s) = signPermit(address(vvv), address(stakedVVV), 10e18);
        bytes memory reason = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientAllowance.selector, address(stakedVVV), 0, 10e18
        );
        vm.expectRevert(reason);
        vm.prank(bob);
        stakedVVV.stakeWithPermit(bob, 10e18, NOON, v, r, s);

        vm.warp(NOON + 1);
        vm.expectRevert(reason);
        vm.prank(alice);
        stakedVVV.stakeWithPermit(alice, 10e18, NOON, v, r, s);
    }

    function signPermit(address token, address spender, uint256 amount)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 kind = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 domain = token == address(vvv) ? vvv.DOMAIN_SEPARATOR() : diem.DOMAIN_SEPARATOR();
        bytes32 permit = keccak256(abi.encode(kind, alice, spender, amount, 0, NOON));
        return vm.sign(privateKeyOf("alice"), keccak256(abi.encodePacked("\x19\x01", domain, permit)));
    }

    function expectRefused(address recipient) private {
        vm.expectRevert(abi.encodeWithSelector(IStation.RecipientRefused.selector, recipient));
    }

    function expectInsufficientUnlocked(address account, uint256 available, uint256 needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(IStakedVVV.InsufficientUnlocked.selector, account, available, needed)
        );
    }

    function expectTooWide(uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, number));
    }
}
