// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {DiemMint} from "../../src/DiemMint.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {VVV} from "../../src/VVV.sol";
import {Test} from "./Test.sol";

/// @title The whole system, deployed as it would be: one deployer, consecutive nonces, predicted addresses
abstract contract System is Test {
    uint256 internal constant GENESIS = 100_000_000e18;
    /// @dev 2.5 million VVV in a year of 365 days.
    uint256 internal constant EMISSION = 79_274_479_959_411_466;
    uint256 internal constant TARGET = 38_000e18;
    /// @dev Midnight of 2026-01-01, UTC.
    uint256 internal constant MIDNIGHT = 1_767_225_600;
    uint256 internal constant NOON = MIDNIGHT + 12 hours;

    address internal immutable timelock = person("timelock");
    address internal immutable keeper = person("keeper of the brake");
    address internal immutable treasury = person("treasury");
    address internal immutable genesisHolder = person("genesis holder");
    address internal immutable alice = person("alice");
    address internal immutable bob = person("bob");
    address internal immutable carol = person("carol");

    Guardian internal guardian;
    VVV internal vvv;
    StakedVVV internal stakedVVV;
    DIEM internal diem;
    DiemMint internal diemMint;
    InferenceStake internal inferenceStake;

    function setUp() public virtual {
        vm.warp(NOON);
        deploy(NOON, NOON);
    }

    /// @dev The order is part of the design: what comes later checks the predictions of what came before.
    function deploy(uint256 emissionStart, uint256 opensAt) internal {
        guardian = new Guardian(keeper, timelock);
        vvv = new VVV(genesisHolder, GENESIS, predicted(1));
        stakedVVV = new StakedVVV(vvv, predicted(2), treasury, timelock, guardian, EMISSION, emissionStart);
        diem = new DIEM(predicted(1));
        diemMint = new DiemMint(stakedVVV, diem, timelock, guardian, TARGET, opensAt);
        inferenceStake = new InferenceStake(diem, guardian);
    }

    /// @dev The address of the contract that this one creates after `others` more.
    function predicted(uint256 others) internal view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + others);
    }

    /// @dev VVV in the hand, and both stations approved for both tokens without limit.
    function fund(address account, uint256 amount) internal {
        vm.prank(genesisHolder);
        vvv.transfer(account, amount);
        vm.startPrank(account);
        vvv.approve(address(stakedVVV), type(uint256).max);
        diem.approve(address(inferenceStake), type(uint256).max);
        vm.stopPrank();
    }

    function stakeVVV(address account, uint256 amount) internal {
        fund(account, amount);
        vm.prank(account);
        stakedVVV.stake(account, amount);
    }

    /// @dev Exactly `amount` DIEM in the hand of `account`, minted against stake that it is given.
    function mintDiem(address account, uint256 amount) internal {
        stakeVVV(account, diemMint.quoteLock(amount));
        vm.prank(account);
        diemMint.mintExactOut(amount, type(uint256).max);
    }

    function stakeDiem(address account, uint256 amount) internal {
        mintDiem(account, amount);
        vm.prank(account);
        inferenceStake.stake(account, amount);
    }

    function pauseEntries(uint256 duration) internal {
        vm.prank(keeper);
        guardian.pauseEntries(duration);
    }
}
