// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EpochRoots} from "../src/EpochRoots.sol";
import {IEpochRoots} from "../src/interfaces/IEpochRoots.sol";
import {ITimelocked} from "../src/interfaces/ITimelocked.sol";
import {IWired} from "../src/interfaces/IWired.sol";
import {System} from "./support/System.sol";

contract EpochRootsTest is System {
    /// @dev The epoch of MIDNIGHT.
    uint256 private constant TODAY = 20_454;
    bytes32 private constant ROOT = keccak256("a root");
    bytes32 private constant FILE = keccak256("a file");

    address private immutable publisher = person("publisher");
    EpochRoots private roots;

    function setUp() public override {
        super.setUp();
        roots = new EpochRoots(publisher, timelock);
        vm.warp(NOON + 1 days);
    }

    function test_ARootIsKeptWithItsTotals() public {
        vm.expectEmit(address(roots));
        emit IEpochRoots.RootPublished(TODAY, ROOT, 15e9, 5e9, 5, FILE);
        publish(TODAY, ROOT, 15e9, 5e9, 5);

        IEpochRoots.Commitment memory kept = roots.commitmentOf(TODAY);
        vm.assertEq(kept.root, ROOT, "the root");
        vm.assertEq(kept.granted, 15e9);
        vm.assertEq(kept.spent, 5e9);
        vm.assertEq(kept.accounts, 5);
        vm.assertEq(kept.fileHash, FILE, "the digest of the file");
        vm.assertEq(kept.publishedAt, NOON + 1 days);
        vm.assertEq(roots.firstEpoch(), TODAY);
        vm.assertEq(roots.nextEpoch(), TODAY + 1);
        vm.assertEq(roots.commitmentOf(TODAY + 1).publishedAt, 0);
    }

    function test_RootsComeInOrderWithoutAGap() public {
        vm.warp(NOON + 10 days);
        publish(TODAY + 2, ROOT, 1, 1, 1);
        for (uint256 epoch = TODAY; epoch < TODAY + 6; ++epoch) {
            if (epoch == TODAY + 3) continue;
            expectNotNext(epoch, TODAY + 3);
            publish(epoch, ROOT, 1, 1, 1);
        }
        publish(TODAY + 3, ROOT, 1, 1, 1);
        publish(TODAY + 4, ROOT, 1, 1, 1);
        vm.assertEq(roots.firstEpoch(), TODAY + 2);
        vm.assertEq(roots.nextEpoch(), TODAY + 5);
    }

    /// @dev Whoever publishes, whatever they try: what was published stays.
    function test_ARootIsNeverReplaced(uint256 epoch, bytes32 root, bool another) public {
        publish(TODAY, ROOT, 15e9, 5e9, 5);
        vm.warp(NOON + 5 days);
        epoch = bound(epoch, TODAY - 2, TODAY);
        address caller = another ? bob : publisher;
        vm.prank(timelock);
        roots.namePublisher(caller);
        expectNotNext(epoch, TODAY + 1);
        vm.prank(caller);
        roots.publish(epoch, root, 1, 1, 1, FILE);
        vm.assertEq(roots.commitmentOf(TODAY).root, ROOT, "the same");
    }

    function test_OnlyAClosedEpochIsPublished() public {
        uint256 midnight = MIDNIGHT + 1 days;
        vm.warp(midnight - 1);
        expectNotClosed(TODAY, TODAY);
        publish(TODAY, ROOT, 1, 1, 1);
        expectNotClosed(TODAY + 1, TODAY);
        publish(TODAY + 1, ROOT, 1, 1, 1);
        vm.warp(midnight);
        publish(TODAY, ROOT, 1, 1, 1);
        expectNotClosed(TODAY + 1, TODAY + 1);
        publish(TODAY + 1, ROOT, 1, 1, 1);
        vm.warp(midnight + 1 days - 1);
        expectNotClosed(TODAY + 1, TODAY + 1);
        publish(TODAY + 1, ROOT, 1, 1, 1);
        vm.warp(midnight + 1 days);
        publish(TODAY + 1, ROOT, 1, 1, 1);
    }

    /// @dev Otherwise a stolen key could begin in 1970, and no root of a living day would ever be next.
    function test_TheFirstRootIsNotOfATimeBeforeTheContract(uint256 epoch) public {
        epoch = bound(epoch, 0, TODAY - 1);
        vm.assertEq(roots.startEpoch(), TODAY);
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.EpochBeforeStart.selector, epoch, TODAY));
        publish(epoch, ROOT, 1, 1, 1);
    }

    function test_NobodyHasSpentMoreThanWasGranted(uint256 granted, uint256 spent) public {
        if (spent > granted) {
            vm.expectRevert(abi.encodeWithSelector(IEpochRoots.SpentExceedsGranted.selector, spent, granted));
        }
        publish(TODAY, ROOT, granted, spent, 1);
    }

    function test_ADayWithoutAccountsHasNoRootAndNoGrants() public {
        expectMismatch(ROOT, 0, 0);
        publish(TODAY, ROOT, 0, 0, 0);
        expectMismatch(0, 1, 1);
        publish(TODAY, 0, 1, 1, 1);
        expectMismatch(0, 0, 1);
        publish(TODAY, 0, 1, 0, 0);

        publish(TODAY, 0, 0, 0, 0);
        vm.assertEq(roots.nextEpoch(), TODAY + 1);
        bytes32[] memory none = new bytes32[](0);
        vm.assertTrue(!roots.verify(TODAY, alice, 0, 0, 0, none), "it contains nobody");
    }

    function test_OnlyThePublisherPublishes(address stranger) public {
        vm.assume(stranger != publisher);
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.OnlyPublisher.selector, stranger));
        vm.prank(stranger);
        roots.publish(TODAY, ROOT, 1, 1, 1, FILE);
    }

    function test_OnlyTheTimelockNamesAPublisher(address stranger) public {
        vm.assume(stranger != timelock);
        vm.expectRevert(abi.encodeWithSelector(ITimelocked.OnlyTimelock.selector, stranger));
        vm.prank(stranger);
        roots.namePublisher(stranger);
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        vm.prank(timelock);
        roots.namePublisher(address(0));

        vm.expectEmit(address(roots));
        emit IEpochRoots.PublisherNamed(publisher, bob);
        vm.prank(timelock);
        roots.namePublisher(bob);
        vm.assertEq(roots.publisher(), bob);
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.OnlyPublisher.selector, publisher));
        publish(TODAY, ROOT, 1, 1, 1);
    }

    function test_RootsWithoutPowersAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        new EpochRoots(address(0), timelock);
        vm.expectRevert(abi.encodeWithSelector(IWired.ZeroAddress.selector));
        new EpochRoots(publisher, address(0));
    }

    /// @dev A tree of five made by OpenZeppelin's own @openzeppelin/merkle-tree 1.0.8 from rows of (address, uint256,
    /// uint256, bytes32): account 0x11..., 0x22... to 0x55..., epoch 20454, granted i * 1e9, and the commitment to
    /// spent i * 1e8 under the salt of i.
    function test_TheTreesOfOpenZeppelinVerify() public {
        publish(TODAY, 0x628d85f95b9ad2a8b101522dd0d5928272d6a009fd2b7dce3ccdc2fb41ea9017, 15e9, 15e8, 5);
        address second = 0x2222222222222222222222222222222222222222;
        bytes32 salt = saltOf(2);
        bytes32 spending = roots.spendingOf(2e8, salt);
        vm.assertEq(
            spending, 0xeed5d7f388ba8ddc119151f5a0f0bcaa2fb6fa16e99b2e54deff37ed101774ca, "the commitment"
        );
        vm.assertEq(
            roots.leafOf(TODAY, second, 2e9, spending),
            0xdfc01678a7d35bea709241cd295626ff833e980b45dd3a196eaa255b1c3d56a2,
            "the leaf"
        );
        bytes32[] memory proof = new bytes32[](2);
        proof[0] = 0x9566209e3b96ab3190f2652d3c5cd9ef35a8fac3d9e8b8e68df817a907d09826;
        proof[1] = 0xde5c0fea61638de0700e75aae46c1b41740ede451256fdb572392f68b5356774;
        vm.assertTrue(roots.verify(TODAY, second, 2e9, 2e8, salt, proof), "what is in it");
        vm.assertTrue(!roots.verify(TODAY, alice, 2e9, 2e8, salt, proof), "another account");
        vm.assertTrue(!roots.verify(TODAY, second, 2e9 + 1, 2e8, salt, proof), "another grant");
        vm.assertTrue(!roots.verify(TODAY, second, 2e9, 2e8 - 1, salt, proof), "another figure spent");
        vm.assertTrue(!roots.verify(TODAY, second, 2e9, 2e8, saltOf(3), proof), "another salt");

        bytes32[] memory cut = new bytes32[](1);
        cut[0] = proof[1];
        vm.assertTrue(!roots.verify(TODAY, second, 2e9, 2e8, salt, cut), "an inner node is no leaf");
    }

    function test_ALeafBelongsToItsEpoch() public {
        vm.warp(NOON + 2 days);
        bytes32 leaf = roots.leafOf(TODAY, alice, 2e9, roots.spendingOf(1e9, saltOf(1)));
        publish(TODAY, leaf, 2e9, 1e9, 1);
        publish(TODAY + 1, leaf, 2e9, 1e9, 1);
        bytes32[] memory none = new bytes32[](0);
        vm.assertTrue(roots.verify(TODAY, alice, 2e9, 1e9, saltOf(1), none), "its own");
        vm.assertTrue(!roots.verify(TODAY + 1, alice, 2e9, 1e9, saltOf(1), none), "not the next");
    }

    function test_NothingIsVerifiedForADayWithoutARoot() public {
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.EpochNotPublished.selector, TODAY));
        roots.verify(TODAY, alice, 0, 0, 0, new bytes32[](0));
    }

    /// @dev The publisher is bound: a commitment opens to one figure, whatever salt is shown beside another.
    function test_ACommitmentOpensToOneFigureAlone(uint256 spent, bytes32 salt, uint256 other, bytes32 its)
        public
    {
        bytes32[] memory none = new bytes32[](0);
        publish(TODAY, roots.leafOf(TODAY, alice, 2e9, roots.spendingOf(spent, salt)), 2e9, 1e9, 1);
        vm.assertTrue(roots.verify(TODAY, alice, 2e9, spent, salt, none), "as it was made");
        bool isSame = spent == other && salt == its;
        vm.assertTrue(roots.verify(TODAY, alice, 2e9, other, its, none) == isSame, "and no other way");
        vm.assertTrue(spent == other || !roots.verify(TODAY, alice, 2e9, other, salt, none), "nor its salt");
    }

    /// @dev What a leaf shows is public: whoever sees that two days, or two accounts, spent the same would know more.
    function test_EqualSpendingUnderTwoSaltsLooksDifferent(uint256 spent, bytes32 salt, bytes32 other)
        public
        view
    {
        vm.assertTrue(
            (roots.spendingOf(spent, salt) == roots.spendingOf(spent, other)) == (salt == other),
            "as its salts are"
        );
    }

    function test_EveryLeafOfATreeIsFoundAndNoOther(uint256 seed, uint256 size, uint256 place) public {
        size = bound(size, 1, 64);
        place = bound(place, 0, size - 1);
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = roots.leafOf(TODAY, accountOf(seed, i), i * 1e9, roots.spendingOf(i, saltOf(i)));
        }
        (bytes32 root, bytes32[] memory proof) = rootAndProof(leaves, place);
        publish(TODAY, root, size * size * 1e9, size * size, size);

        (address account, uint256 granted, bytes32 salt) =
            (accountOf(seed, place), place * 1e9, saltOf(place));
        vm.assertTrue(roots.verify(TODAY, account, granted, place, salt, proof), "it is in");
        vm.assertTrue(!roots.verify(TODAY, account, granted + 1, place, salt, proof), "not more");
        account = accountOf(seed, size);
        vm.assertTrue(!roots.verify(TODAY, account, granted, place, salt, proof), "nor another");
    }

    function saltOf(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode(i));
    }

    function accountOf(uint256 seed, uint256 i) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(seed, i)))));
    }

    /// @dev The tree of StandardMerkleTree for leaves in this order: a heap whose pairs are sorted before hashing.
    function rootAndProof(bytes32[] memory leaves, uint256 place)
        private
        pure
        returns (bytes32 root, bytes32[] memory proof)
    {
        uint256 size = 2 * leaves.length - 1;
        bytes32[] memory tree = new bytes32[](size);
        for (uint256 i = 0; i < leaves.length; ++i) {
            tree[size - 1 - i] = leaves[i];
        }
        for (uint256 i = leaves.length - 1; i != 0; --i) {
            tree[i - 1] = pair(tree[2 * i - 1], tree[2 * i]);
        }
        uint256 depth = 0;
        for (uint256 i = size - 1 - place; i != 0; i = (i - 1) / 2) {
            ++depth;
        }
        proof = new bytes32[](depth);
        uint256 step = 0;
        for (uint256 i = size - 1 - place; i != 0; i = (i - 1) / 2) {
            proof[step++] = tree[i % 2 == 0 ? i - 1 : i + 1];
        }
        return (tree[0], proof);
    }

    function pair(bytes32 one, bytes32 other) private pure returns (bytes32) {
        return one < other ? keccak256(abi.encodePacked(one, other)) : keccak256(abi.encodePacked(other, one));
    }

    function publish(uint256 epoch, bytes32 root, uint256 granted, uint256 spent, uint256 accounts) private {
        vm.prank(publisher);
        roots.publish(epoch, root, granted, spent, accounts, FILE);
    }

    function expectNotNext(uint256 epoch, uint256 expected) private {
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.NotNextEpoch.selector, epoch, expected));
    }

    function expectNotClosed(uint256 epoch, uint256 current) private {
        vm.expectRevert(abi.encodeWithSelector(IEpochRoots.EpochNotClosed.selector, epoch, current));
    }

    function expectMismatch(bytes32 root, uint256 accounts, uint256 granted) private {
        vm.expectRevert(
            abi.encodeWithSelector(IEpochRoots.EmptyRootMismatch.selector, root, accounts, granted)
        );
    }
}
