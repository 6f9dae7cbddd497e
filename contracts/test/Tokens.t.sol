// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IMintedToken} from "../src/interfaces/IMintedToken.sol";
import {System} from "./support/System.sol";

contract TokensTest is System {
    function test_NobodyButTheMinterMints() public {
        expectOnlyMinter(alice);
        vm.prank(alice);
        vvv.mint(alice, 1);
        expectOnlyMinter(timelock);
        vm.prank(timelock);
        diem.mint(timelock, 1);
    }

    function test_NobodyButTheMinterBurnsDiem() public {
        mintDiem(alice, 1e18);
        expectOnlyMinter(alice);
        vm.prank(alice);
        diem.burn(alice, 1);
    }

    function test_TheMinterMints(uint128 amount) public {
        vm.prank(address(stakedVVV));
        vvv.mint(bob, amount);
        vm.assertEq(vvv.balanceOf(bob), amount);
        vm.assertEq(vvv.totalSupply(), GENESIS + amount);
    }

    function test_ABurnLowersTheSupply(uint256 held, uint256 amount) public {
        held = bound(held, 0, GENESIS);
        amount = bound(amount, 0, held);
        fund(alice, held);
        vm.prank(alice);
        vvv.burn(amount);
        vm.assertEq(vvv.totalSupply(), GENESIS - amount);
        vm.assertEq(vvv.balanceOf(alice), held - amount);
    }

    function test_NobodyBurnsMoreThanTheyHold() public {
        fund(alice, 5);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 5, 6));
        vm.prank(alice);
        vvv.burn(6);
    }

    function test_ABurnForAnotherSpendsItsAllowance() public {
        fund(alice, 10);
        vm.prank(alice);
        vvv.approve(bob, 7);

        vm.prank(bob);
        vvv.burnFrom(alice, 4);
        vm.assertEq(vvv.totalSupply(), GENESIS - 4);
        vm.assertEq(vvv.allowance(alice, bob), 3);

        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob, 3, 4));
        vm.prank(bob);
        vvv.burnFrom(alice, 4);
    }

    function test_ATokenRefusesItselfAsReceiver() public {
        fund(alice, 1);
        expectReceiverRefused(address(vvv));
        vm.prank(alice);
        vvv.transfer(address(vvv), 1);

        mintDiem(bob, 1);
        expectReceiverRefused(address(diem));
        vm.prank(bob);
        diem.transfer(address(diem), 1);

        expectReceiverRefused(address(vvv));
        vm.prank(address(stakedVVV));
        vvv.mint(address(vvv), 1);
    }

    function test_TheNamesAreThoseThatWalletsShow() public view {
        vm.assertEq(vvv.symbol(), "VVV");
        vm.assertEq(diem.symbol(), "DIEM");
        vm.assertEq(stakedVVV.symbol(), "sVVV");
        vm.assertEq(stakedVVV.name(), "Staked VVV");
        vm.assertEq(vvv.decimals(), 18);
        vm.assertEq(diem.decimals(), 18);
        vm.assertEq(stakedVVV.decimals(), 18);
    }

    function expectOnlyMinter(address caller) private {
        vm.expectRevert(abi.encodeWithSelector(IMintedToken.OnlyMinter.selector, caller));
    }

    function expectReceiverRefused(address receiver) private {
        vm.expectRevert(abi.encodeWithSelector(IMintedToken.ReceiverRefused.selector, receiver));
    }
}
