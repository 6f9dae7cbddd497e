// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {DIEM} from "../../src/DIEM.sol";
import {DiemMint} from "../../src/DiemMint.sol";
import {Guardian} from "../../src/Guardian.sol";
import {InferenceStake} from "../../src/InferenceStake.sol";
import {StakedVVV} from "../../src/StakedVVV.sol";
import {VVV} from "../../src/VVV.sol";
import {Reached} from "./Books.sol";
import {HandledSystem} from "./HandledSystem.sol";

/// @title Invariants 1 to 24, and 26 for the settings, permits and gifts of the core
/// @dev After each call: 1, 2, 5, 6, 14, 21, 22, 24. After every fourth, account by account: 4, 5, 7, 9, 11, 19 to 21,
/// 23, 26; after every sixteenth: 16. Within the calls: 2, 3, 10 to 12, 15, 17, 20, 23, 26. By experiments that are
/// undone: 8, 9, 12, 13, 15, 16, 18. At the end of each run: 11, 13 and 23, for everything there is.
contract InvariantsTest is HandledSystem {
    string[] internal names = ["alice", "bob", "treasury", "mallory"];

    function setUp() public virtual override {
        super.setUp();
        begin(names, 10_000_000e18);
        for (uint256 i = 0; i < names.length; ++i) {
            handler.stakeVVV(i, i, 4_000_001e18 - 1);
            handler.mintExactOut(i, 3_000e18 + 1_000e18 * i - 1);
            handler.stakeDiem(i, i, 1_000e18 * (i + 1) - 1);
        }
    }

    /// @dev forge asks for this: only the handler acts.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The handler checks after each of its actions. Here is what takes other moments: the last second of the
    /// day, in which the allowances are those of now, and midnight.
    function invariant_AllHoldAfterEveryCall() external {
        uint256 midnight = (block.timestamp / 1 days + 1) * 1 days;
        vm.warp(midnight - 1);
        handler.check_22_TheAllowancesOfAnEpochNeverExceedTheDiemHeld();
        vm.warp(midnight);
        handler.check_22_TheAllowancesOfAnEpochNeverExceedTheDiemHeld();
    }

    /// @dev A machine that never came to the places that the invariants are about would show nothing: here is a walk
    /// of it, with what it met.
    function test_TheMachineReachesWhatTheInvariantsAreAbout() public {
        for (uint256 step = 0; step < 1_500; ++step) {
            act(uint256(keccak256(abi.encode(step))));
        }
        Reached memory reached = handler.reached();
        vm.assertGt(reached.mints, 10, "DIEM was minted");
        vm.assertGt(reached.exoduses, 0, "everybody left");
        vm.assertGt(reached.secondsWithoutStake, 0, "nothing was staked");
        vm.assertGt(reached.ticketsClaimed, 10, "tickets were claimed");
        vm.assertGt(reached.ticketsCancelled, 5, "tickets were cancelled");
        vm.assertGt(reached.claimsRefused, 5, "claims came early");
        vm.assertGt(reached.delegationsEndedByGiver, 0, "a term ran out");
        vm.assertGt(reached.delegationsEndedByReceiver, 5, "a receiver gave back");
        vm.assertGt(reached.entriesRefused, 5, "there were pauses");
        vm.assertGt(reached.permitsUsedByAnother, 5, "permits were handed in by another");
        vm.assertTrue(reached.isAtCap || !isCapInReach(), "the cap was reached");
    }

    /// @dev One of the actions, as the campaign would call it.
    function act(uint256 seed) private {
        bytes4[28] memory actions = [
            handler.stakeVVV.selector,
            handler.stakeVVV.selector,
            handler.requestVVV.selector,
            handler.claimRewards.selector,
            handler.compound.selector,
            handler.mintDiem.selector,
            handler.mintDiem.selector,
            handler.mintExactOut.selector,
            handler.burnDiem.selector,
            handler.stakeDiem.selector,
            handler.stakeDiem.selector,
            handler.requestDiem.selector,
            handler.delegate.selector,
            handler.endDelegation.selector,
            handler.cancelTicket.selector,
            handler.claimTickets.selector,
            handler.pass.selector,
            handler.passToMidnight.selector,
            handler.passToTicket.selector,
            handler.passToTerm.selector,
            handler.passToSetting.selector,
            handler.raiseTarget.selector,
            handler.brake.selector,
            handler.poke.selector,
            handler.usePermit.selector,
            handler.giveDust.selector,
            handler.everybodyLeaves.selector,
            handler.leaveAlone.selector
        ];
        bytes4 action = actions[seed % actions.length];
        bytes memory order = abi.encodeWithSelector(action, seed >> 8, seed >> 16, seed >> 24, seed >> 32);
        (bool done,) = address(handler).call(order);
        vm.assertTrue(done, "an action fails");
    }

    function isCapInReach() internal pure virtual returns (bool) {
        return false;
    }

    /// @dev From wherever a run ended, everybody takes everything out.
    function afterInvariant() external {
        handler.check_11_AllTicketsStandAsTheyWereWritten();
        handler.check_23_AllDelegationsStandAsTheyWereMade();
        handler.everybodyLeaves(0);
    }
}

/// @dev The same from nothing: no stake, an emission that begins later, and a target so low that the cap is reached.
contract YoungInvariantsTest is InvariantsTest {
    function setUp() public override {
        vm.warp(NOON);
        uint256 emissionStart = NOON + 2 days;
        guardian = new Guardian(keeper, timelock);
        vvv = new VVV(genesisHolder, GENESIS, predicted(1));
        stakedVVV = new StakedVVV(vvv, predicted(2), treasury, timelock, guardian, EMISSION, emissionStart);
        diem = new DIEM(predicted(1));
        diemMint = new DiemMint(stakedVVV, diem, timelock, guardian, 500e18, NOON);
        inferenceStake = new InferenceStake(diem, guardian);
        begin(names, 2_000_000e18);
    }

    function isCapInReach() internal pure override returns (bool) {
        return true;
    }
}
