// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../src/DIEM.sol";
import {DiemMint} from "../src/DiemMint.sol";
import {Guardian} from "../src/Guardian.sol";
import {InferenceStake} from "../src/InferenceStake.sol";
import {StakedVVV} from "../src/StakedVVV.sol";
import {VVV} from "../src/VVV.sol";
import {IDIEM} from "../src/interfaces/IDIEM.sol";
import {IDiemMint} from "../src/interfaces/IDiemMint.sol";
import {IGuardian} from "../src/interfaces/IGuardian.sol";
import {IStakedVVV} from "../src/interfaces/IStakedVVV.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {System} from "./support/System.sol";

contract WiringTest is System {
    address internal constant NOBODY = address(0);
    address internal immutable empty = person("an address without code");

    function test_EveryWireCanBeReadBack() public view {
        vm.assertEq(vvv.minter(), address(stakedVVV));
        vm.assertEq(address(stakedVVV.vvv()), address(vvv));
        vm.assertEq(stakedVVV.diemMint(), address(diemMint));
        vm.assertEq(stakedVVV.treasury(), treasury);
        vm.assertEq(stakedVVV.timelock(), timelock);
        vm.assertEq(address(stakedVVV.guardian()), address(guardian));
        vm.assertEq(stakedVVV.emissionRatePerSecond(), EMISSION);
        vm.assertEq(stakedVVV.lastRewardTimestamp(), NOON);
        vm.assertEq(diem.minter(), address(diemMint));
        vm.assertEq(address(diemMint.stakedVVV()), address(stakedVVV));
        vm.assertEq(address(diemMint.diem()), address(diem));
        vm.assertEq(diemMint.timelock(), timelock);
        vm.assertEq(address(diemMint.guardian()), address(guardian));
        vm.assertEq(diemMint.target(), TARGET);
        vm.assertEq(diemMint.opensAt(), NOON);
        vm.assertEq(address(inferenceStake.diem()), address(diem));
        vm.assertEq(address(inferenceStake.guardian()), address(guardian));
        vm.assertEq(guardian.guardian(), keeper);
        vm.assertEq(guardian.timelock(), timelock);
    }

    function test_TheGenesisSupplyGoesToItsHolder() public view {
        vm.assertEq(vvv.totalSupply(), GENESIS);
        vm.assertEq(vvv.balanceOf(genesisHolder), GENESIS);
        vm.assertEq(diem.totalSupply(), 0);
    }

    function test_ATokenWithoutAMinterIsRefused() public {
        expectZeroAddress();
        new VVV(genesisHolder, GENESIS, NOBODY);
        expectZeroAddress();
        new DIEM(NOBODY);
    }

    function test_AGuardianWithoutPowersIsRefused() public {
        expectZeroAddress();
        new Guardian(NOBODY, timelock);
        expectZeroAddress();
        new Guardian(keeper, NOBODY);
    }

    function test_AWrongPredictionOfStakedVVVIsFoundWhenItIsDeployed() public {
        VVV astray = new VVV(genesisHolder, GENESIS, alice);
        expectNotWired(address(astray), alice, predicted(0));
        new StakedVVV(astray, address(diemMint), treasury, timelock, guardian, EMISSION, NOON);
    }

    function test_AWrongPredictionOfDiemMintIsFoundWhenItIsDeployed() public {
        // These two expect the DiemMint that is there already.
        expectNotWired(address(stakedVVV), address(diemMint), predicted(0));
        new DiemMint(stakedVVV, diem, timelock, guardian, TARGET, NOON);

        VVV token = new VVV(genesisHolder, GENESIS, predicted(1));
        StakedVVV station = new StakedVVV(token, predicted(1), treasury, timelock, guardian, EMISSION, NOON);
        expectNotWired(address(diem), address(diemMint), predicted(0));
        new DiemMint(station, diem, timelock, guardian, TARGET, NOON);
    }

    function test_StakedVVVRefusesPartnersThatAreNotThere() public {
        expectNoCode(empty);
        new StakedVVV(VVV(empty), address(diemMint), treasury, timelock, guardian, EMISSION, NOON);
        expectNoCode(empty);
        new StakedVVV(vvv, address(diemMint), treasury, timelock, IGuardian(empty), EMISSION, NOON);
        expectZeroAddress();
        new StakedVVV(vvv, address(diemMint), treasury, NOBODY, guardian, EMISSION, NOON);

        VVV token = new VVV(genesisHolder, GENESIS, predicted(1));
        expectZeroAddress();
        new StakedVVV(token, NOBODY, treasury, timelock, guardian, EMISSION, NOON);
        token = new VVV(genesisHolder, GENESIS, predicted(1));
        expectZeroAddress();
        new StakedVVV(token, address(diemMint), NOBODY, timelock, guardian, EMISSION, NOON);
    }

    function test_EmissionCannotBeginInThePast() public {
        VVV token = new VVV(genesisHolder, GENESIS, predicted(1));
        vm.expectRevert(abi.encodeWithSelector(IStakedVVV.EmissionStartInPast.selector, NOON - 1, NOON));
        new StakedVVV(token, address(diemMint), treasury, timelock, guardian, EMISSION, NOON - 1);
    }

    function test_DiemMintRefusesPartnersThatAreNotThere() public {
        expectNoCode(empty);
        new DiemMint(IStakedVVV(empty), diem, timelock, guardian, TARGET, NOON);
        expectNoCode(empty);
        new DiemMint(stakedVVV, IDIEM(empty), timelock, guardian, TARGET, NOON);
        expectNoCode(empty);
        new DiemMint(stakedVVV, diem, timelock, IGuardian(empty), TARGET, NOON);
        expectZeroAddress();
        new DiemMint(stakedVVV, diem, NOBODY, guardian, TARGET, NOON);
    }

    function test_DiemMintRefusesATargetOutsideItsBounds() public {
        deployMintWithTarget(1e18 - 1, false);
        deployMintWithTarget(1e18, true);
        deployMintWithTarget(1_000_000e18, true);
        deployMintWithTarget(1_000_000e18 + 1, false);
    }

    function test_InferenceStakeRefusesPartnersThatAreNotThere() public {
        expectNoCode(empty);
        new InferenceStake(IDIEM(empty), guardian);
        expectNoCode(empty);
        new InferenceStake(diem, IGuardian(empty));
    }

    function deployMintWithTarget(uint256 target, bool accepted) private {
        VVV token = new VVV(genesisHolder, GENESIS, predicted(1));
        StakedVVV station = new StakedVVV(token, predicted(2), treasury, timelock, guardian, EMISSION, NOON);
        DIEM minted = new DIEM(predicted(1));
        if (!accepted) {
            vm.expectRevert(
                abi.encodeWithSelector(IDiemMint.TargetOutOfBounds.selector, target, 1e18, 1_000_000e18)
            );
        }
        new DiemMint(station, minted, timelock, guardian, target, NOON);
    }

    function expectZeroAddress() private {
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
    }

    function expectNoCode(address partner) private {
        vm.expectRevert(abi.encodeWithSelector(IWired.NoCodeAt.selector, partner));
    }

    function expectNotWired(address partner, address wiredTo, address self) private {
        vm.expectRevert(abi.encodeWithSelector(IWired.NotWiredToThis.selector, partner, wiredTo, self));
    }
}
