// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CreditSales} from "../../src/CreditSales.sol";
import {EpochRoots} from "../../src/EpochRoots.sol";
import {Guardian} from "../../src/Guardian.sol";
import {DevDollar} from "../../src/devnet/DevDollar.sol";
import {Comparisons} from "./Comparisons.sol";

struct Sales {
    CreditSales creditSales;
    EpochRoots epochRoots;
    Guardian guardian;
    DevDollar usdc;
    address timelock;
    address keeper;
    address revenue;
    address publisher;
    address thief;
}

/// @title Buyers, the publisher of roots, the timelock, the guardian and a thief
/// @dev Its own books: prices, memberships, payments, gifts, and a hash of every commitment.
contract SalesHandler is Comparisons {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    uint256 private constant TIERS = 2;

    Sales private s;
    string[] private names = ["dora", "emil", "thief"];
    address[] private people;
    uint256[3] private prices;
    mapping(address account => mapping(uint256 tier => uint256)) private memberUntil;
    uint256 public received;
    uint256 public donated;
    address public publisher;
    uint256 public firstEpoch;
    bytes32[] private commitments;
    uint256 private lastEnd;
    uint256 private pausedUntil;

    constructor(Sales memory sales) {
        s = sales;
        publisher = sales.publisher;
        for (uint256 tier = 1; tier <= TIERS; ++tier) {
            prices[tier] = sales.creditSales.priceOf(tier);
        }
        for (uint256 i = 0; i < names.length; ++i) {
            people.push(person(names[i]));
            approve(people[i]);
        }
    }

    function topUp(uint256 payerSeed, uint256 accountSeed, uint256 amount) external {
        amount = bound(amount, 1e6, 100e6);
        bytes memory order = abi.encodeCall(s.creditSales.topUp, (pick(accountSeed), amount));
        if (isPaused() || amount < 5e6) {
            return refused(pick(payerSeed), address(s.creditSales), order, "26: a pause, a minimum");
        }
        pay(pick(payerSeed), amount);
        vm.prank(pick(payerSeed));
        s.creditSales.topUp(pick(accountSeed), amount);
    }

    /// @dev The thief hands the permit in before the payer does.
    function topUpWithPermit(uint256 payerSeed, uint256 amount) external {
        if (isPaused()) return;
        (address payer, uint256 deadline) = (pick(payerSeed), block.timestamp);
        amount = bound(amount, 5e6, 100e6);
        pay(payer, amount);
        bytes32 permit = keccak256(
            abi.encode(PERMIT, payer, address(s.creditSales), amount, s.usdc.nonces(payer), deadline)
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", s.usdc.DOMAIN_SEPARATOR(), permit));
        (uint8 v, bytes32 r, bytes32 sig) = vm.sign(privateKeyOf(names[payerSeed % names.length]), digest);
        vm.prank(s.thief);
        s.usdc.permit(payer, address(s.creditSales), amount, deadline, v, r, sig);
        vm.prank(payer);
        try s.creditSales.topUpWithPermit(payer, amount, deadline, v, r, sig) {}
        catch {
            holds(false, "26: a used permit does not block a call");
        }
        approve(payer);
    }

    function subscribe(uint256 payerSeed, uint256 accountSeed, uint256 tier, uint256 months) external {
        (address payer, address account) = (pick(payerSeed), pick(accountSeed));
        (tier, months) = (bound(tier, 1, TIERS), bound(months, 1, 12));
        uint256 cost = months * prices[tier];
        bytes memory order = abi.encodeCall(s.creditSales.subscribe, (account, tier, months, cost - 1));
        refused(payer, address(s.creditSales), order, "26: never dearer than its price");
        order = abi.encodeCall(s.creditSales.subscribe, (account, tier, months, cost));
        if (isPaused()) return refused(payer, address(s.creditSales), order, "26: a pause");
        pay(payer, cost);
        uint256 from = memberUntil[account][tier];
        if (from < block.timestamp) from = block.timestamp;
        lastEnd = memberUntil[account][tier] = from + months * 30 days;
        vm.prank(payer);
        s.creditSales.subscribe(account, tier, months, cost);
    }

    function setPrice(uint256 tier, uint256 price) external {
        (tier, price) = (bound(tier, 1, TIERS), bound(price, 1e6, 1_000e6));
        prices[tier] = price;
        vm.prank(s.timelock);
        s.creditSales.setPrice(tier, price);
    }

    function setPriceOutside(uint256 tier, uint256 price) external {
        uint256[4] memory wrong =
            [1e6 - 1, 1_000e6 + 1, price % 1e6, bound(price, 1_000e6 + 1, type(uint256).max)];
        price = wrong[price % 4];
        bytes memory order = abi.encodeCall(s.creditSales.setPrice, (bound(tier, 1, TIERS), price));
        refused(s.timelock, address(s.creditSales), order, "26: inside bounds, for the timelock too");
    }

    function steal(uint256 tier, uint256 price) external {
        (tier, price) = (bound(tier, 1, TIERS), bound(price, 1e6, 1_000e6));
        bytes memory order = abi.encodeCall(s.creditSales.setPrice, (tier, price));
        refused(s.thief, address(s.creditSales), order, "26: only the timelock sets a price");
        order = abi.encodeCall(s.epochRoots.namePublisher, (s.thief));
        refused(s.thief, address(s.epochRoots), order, "26: only the timelock names the publisher");
        if (publisher != s.thief) {
            refused(s.thief, address(s.epochRoots), rootOf(nextEpoch(), price), "26: only the publisher");
        }
        order = abi.encodeCall(s.usdc.transferFrom, (address(s.creditSales), s.thief, 1));
        refused(s.thief, address(s.usdc), order, "26: the sales approve nobody");
    }

    /// @dev The next closed epoch once, and never one that is open, past or after the next.
    function publish(uint256 seed) external {
        uint256 next = nextEpoch();
        refused(publisher, address(s.epochRoots), rootOf(block.timestamp / 1 days, seed), "26: a closed day");
        refused(publisher, address(s.epochRoots), rootOf(s.epochRoots.startEpoch() - 1, seed), "26: a start");
        if (commitments.length != 0) {
            refused(publisher, address(s.epochRoots), rootOf(next - 1, seed), "26: a root is never replaced");
            refused(publisher, address(s.epochRoots), rootOf(next + 1, seed), "26: roots have no gap");
        }
        if (next >= block.timestamp / 1 days) return;
        if (commitments.length == 0) firstEpoch = next;
        vm.prank(publisher);
        (bool done,) = address(s.epochRoots).call(rootOf(next, seed));
        holds(done, "26: the publisher publishes the next closed day");
        commitments.push(keccak256(abi.encode(s.epochRoots.commitmentOf(next))));
    }

    function namePublisher(uint256 seed) external {
        publisher = pick(seed);
        vm.prank(s.timelock);
        s.epochRoots.namePublisher(publisher);
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 1, 100e6);
        donated += amount;
        s.usdc.mint(address(s.creditSales), amount);
    }

    function brake(uint256 duration) external {
        if (block.timestamp < s.guardian.nextPauseAt()) return;
        pausedUntil = block.timestamp + bound(duration, 1, 7 days);
        vm.prank(s.keeper);
        s.guardian.pauseEntries(pausedUntil - block.timestamp);
    }

    function pass(uint256 duration) external {
        vm.warp(block.timestamp + bound(duration, 1, 3 days));
    }

    /// @dev To the second before, at or after midnight, the end of a pause, or the end of a membership.
    function passAround(uint256 seed, uint256 offset) external {
        uint256[3] memory moments = [(block.timestamp / 1 days + 1) * 1 days, pausedUntil, lastEnd];
        uint256 moment = moments[seed % moments.length] + offset % 3;
        if (moment > block.timestamp + 1) vm.warp(moment - 1);
    }

    function check_26_PricesAreTheTimelocksAndInsideTheirBounds() external view {
        for (uint256 tier = 1; tier <= TIERS; ++tier) {
            uint256 price = s.creditSales.priceOf(tier);
            same(price, prices[tier], "26: only the timelock sets a price");
            holds(price >= 1e6 && price <= 1_000e6, "26: inside bounds");
        }
        same(s.creditSales.tierCount(), TIERS, "26: tiers are fixed");
        holds(s.epochRoots.publisher() == publisher, "26: only the timelock names the publisher");
    }

    function check_26_NothingStaysAndGiftsCountForNothing() external view {
        same(s.usdc.balanceOf(s.revenue), received, "26: all payments reach the revenue address");
        same(s.usdc.balanceOf(address(s.creditSales)), donated, "26: nothing stays but gifts");
        for (uint256 i = 0; i < names.length; ++i) {
            for (uint256 tier = 1; tier <= TIERS; ++tier) {
                address account = pick(i);
                uint256 until = s.creditSales.memberUntil(account, tier);
                same(until, memberUntil[account][tier], "26: memberships are what was paid for");
            }
        }
    }

    /// @dev All of them, as no state of the roots may ever touch an earlier one.
    function check_26_RootsAreInOrderAndNeverReplaced() external view {
        if (commitments.length == 0) return;
        same(s.epochRoots.nextEpoch(), nextEpoch(), "26: roots have no gap");
        same(s.epochRoots.firstEpoch(), firstEpoch, "26: the first root stays the first");
        uint256 newest = commitments.length - 1;
        for (uint256 i = newest < 4 ? 0 : newest - 4; i <= newest; ++i) {
            requireRoot(i);
        }
        requireRoot(received % commitments.length);
    }

    function roots() external view returns (uint256) {
        return commitments.length;
    }

    function requireRoot(uint256 index) private view {
        bytes32 found = keccak256(abi.encode(s.epochRoots.commitmentOf(firstEpoch + index)));
        holds(found == commitments[index], "26: a root is never replaced");
    }

    function rootOf(uint256 epoch, uint256 seed) private view returns (bytes memory) {
        bytes32 root = keccak256(abi.encode(epoch, seed));
        return abi.encodeCall(s.epochRoots.publish, (epoch, root, 100e18, seed % 101e18 % 100e18, 3, root));
    }

    function nextEpoch() private view returns (uint256) {
        if (commitments.length == 0) return s.epochRoots.startEpoch();
        return firstEpoch + commitments.length;
    }

    function pay(address payer, uint256 amount) private {
        s.usdc.mint(payer, amount);
        received += amount;
    }

    function approve(address payer) private {
        vm.prank(payer);
        s.usdc.approve(address(s.creditSales), type(uint256).max);
    }

    function isPaused() private view returns (bool) {
        return block.timestamp < pausedUntil;
    }

    function pick(uint256 seed) private view returns (address) {
        return people[seed % people.length];
    }
}
