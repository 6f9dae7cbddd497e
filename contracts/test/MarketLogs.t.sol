// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBuybackBurner} from "../src/interfaces/IBuybackBurner.sol";
import {ICreditSales} from "../src/interfaces/ICreditSales.sol";
import {IEpochRoots} from "../src/interfaces/IEpochRoots.sol";
import {SalesSystem} from "./support/SalesSystem.sol";
import {Vm} from "./support/Vm.sol";

/// @dev What sales, buybacks and roots hold can be rebuilt from their logs alone.
contract MarketLogsTest is SalesSystem {
    mapping(address account => mapping(uint256 tier => uint256)) private memberUntil;
    mapping(uint256 tier => uint256) private priceOf;
    mapping(uint256 epoch => bytes32) private commitments;
    IBuybackBurner.Bounds private bounds;
    address private buyerNow;
    address private publisherNow;
    uint256 private runs;
    uint256 private credit;
    uint256 private lastEpoch;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        setAside(100_000e6);
    }

    /// forge-config: default.fuzz.runs = 50
    function test_TheLogsTellTheWholeState(uint256 seed) public {
        address[2] memory people = [alice, bob];
        uint256 toppedUp = 0;
        for (uint256 day = 0; day < 8; ++day) {
            seed = uint256(keccak256(abi.encode(seed)));
            address account = people[seed % 2];
            giveDollars(account, 2_000e6);
            vm.startPrank(account);
            creditSales.subscribe(people[(seed >> 8) % 2], 1 + (seed >> 16) % 2, 1 + (seed >> 24) % 3, 500e6);
            creditSales.topUp(people[(seed >> 32) % 2], 5e6 + seed % 100e6);
            vm.stopPrank();
            toppedUp += 5e6 + seed % 100e6;
            run(1e6 + seed % 1_000e6);
            change(seed, people);
            vm.warp(block.timestamp + 1 days);
            uint256 epoch = block.timestamp / 1 days - 1;
            vm.prank(epochRoots.publisher());
            epochRoots.publish(epoch, bytes32(seed), seed, seed / 2, 1 + day, bytes32(day));
        }
        fold(vm.getRecordedLogs());

        vm.assertEq(credit, toppedUp, "all credit");
        for (uint256 tier = 1; tier <= 2; ++tier) {
            vm.assertEq(priceOf[tier], creditSales.priceOf(tier), "prices");
            for (uint256 i = 0; i < 2; ++i) {
                vm.assertEq(
                    memberUntil[people[i]][tier], creditSales.memberUntil(people[i], tier), "memberships"
                );
            }
        }
        vm.assertEq(keccak256(abi.encode(bounds)), keccak256(abi.encode(burner.bounds())), "bounds");
        vm.assertEq(buyerNow, burner.keeper());
        vm.assertEq(runs, burner.nextRun());
        vm.assertEq(publisherNow, epochRoots.publisher());
        vm.assertEq(lastEpoch + 1, epochRoots.nextEpoch());
        for (uint256 epoch = epochRoots.firstEpoch(); epoch <= lastEpoch; ++epoch) {
            vm.assertEq(commitments[epoch], digestOf(epochRoots.commitmentOf(epoch)), "commitments");
        }
    }

    /// @dev One setting a day.
    function change(uint256 seed, address[2] memory people) private {
        vm.startPrank(timelock);
        if (seed % 3 == 0) creditSales.setPrice(1 + seed % 2, 1e6 + seed % 100e6);
        if (seed % 3 == 1) epochRoots.namePublisher(people[seed % 2]);
        if (seed % 3 == 2) {
            IBuybackBurner.Bounds memory moved = usualBounds();
            moved.hop = 1 hours + seed % 10 hours;
            burner.setBounds(moved);
        }
        vm.stopPrank();
    }

    function fold(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(creditSales)) foldSales(logs[i]);
            if (logs[i].emitter == address(burner)) foldBuybacks(logs[i]);
            if (logs[i].emitter == address(epochRoots)) foldRoots(logs[i]);
        }
    }

    function foldSales(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == ICreditSales.TopUp.selector) {
            credit += abi.decode(log.data, (uint256));
        } else if (kind == ICreditSales.Subscribed.selector) {
            (uint256 tier, uint256 until) = abi.decode(log.data, (uint256, uint256));
            memberUntil[who(log, 1)][tier] = until;
        } else {
            vm.assertTrue(kind == ICreditSales.PriceSet.selector, "no other event");
            (uint256 previous, uint256 price) = abi.decode(log.data, (uint256, uint256));
            vm.assertEq(previous, priceOf[uint256(log.topics[1])], "the price before");
            priceOf[uint256(log.topics[1])] = price;
        }
    }

    function foldBuybacks(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == IBuybackBurner.BuybackExecuted.selector) {
            runs = uint256(log.topics[1]) + 1;
        } else if (kind == IBuybackBurner.BoundsSet.selector) {
            bounds = abi.decode(log.data, (IBuybackBurner.Bounds));
        } else if (kind == IBuybackBurner.KeeperNamed.selector) {
            buyerNow = who(log, 2);
        }
    }

    function foldRoots(Vm.Log memory log) private {
        if (log.topics[0] == IEpochRoots.PublisherNamed.selector) {
            publisherNow = who(log, 2);
            return;
        }
        lastEpoch = uint256(log.topics[1]);
        commitments[lastEpoch] = keccak256(log.data);
    }

    /// @dev All but the time, which is the block's.
    function digestOf(IEpochRoots.Commitment memory kept) private pure returns (bytes32) {
        return keccak256(abi.encode(kept.root, kept.granted, kept.spent, kept.accounts, kept.fileHash));
    }

    function who(Vm.Log memory log, uint256 topic) private pure returns (address) {
        return address(uint160(uint256(log.topics[topic])));
    }
}
