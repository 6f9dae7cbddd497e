// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SignatureCheck} from "../src/SignatureCheck.sol";
import {DevWallet, DevWalletFactory} from "../src/devnet/DevWallet.sol";
import {Test} from "./support/Test.sol";

/// @dev Answers every question with the bytes that it was given, or reverts with them.
contract Parrot {
    bytes private _words;
    bool private immutable _REVERTS;

    constructor(bytes memory words, bool reverts) {
        (_words, _REVERTS) = (words, reverts);
    }

    fallback(bytes calldata) external returns (bytes memory) {
        bytes memory words = _words;
        if (!_REVERTS) return words;
        assembly ("memory-safe") {
            revert(add(words, 32), mload(words))
        }
    }
}

/// @dev Says yes, but only after it has written down that it was asked.
contract Scribe {
    uint256 public asked;

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        ++asked;
        return this.isValidSignature.selector;
    }
}

/// @dev Says yes once somebody has made it ready.
contract Sleeper {
    bool public ready;

    function wake() external {
        ready = true;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return ready ? this.isValidSignature.selector : bytes4(0);
    }
}

contract SignatureCheckTest is Test {
    bytes32 private constant DIGEST = keccak256("a message");

    DevWalletFactory private immutable FACTORY = new DevWalletFactory();
    address private immutable OWNER = person("owner");

    function test_AWalletAcceptsItsOwnersSignatureAndNoOther() public {
        address wallet = FACTORY.make(OWNER);
        assertAnswer(true, wallet, DIGEST, signed("owner", wallet), address(0), "");
        assertAnswer(false, wallet, DIGEST, signed("mallory", wallet), address(0), "");
        assertAnswer(false, wallet, keccak256("another"), signed("owner", wallet), address(0), "");
        assertAnswer(false, wallet, DIGEST, signed("owner", OWNER), address(0), "");
        assertAnswer(false, wallet, DIGEST, "", address(0), "");
    }

    function test_AnAddressWithoutCodeAcceptsNothing() public {
        assertAnswer(false, OWNER, DIGEST, signed("owner", OWNER), address(0), "");
        assertAnswer(false, FACTORY.addressOf(OWNER), DIGEST, signed("owner", OWNER), address(0), "");
        // The contract of the precompile at 4 gives back what it is asked, which begins with the right word.
        assertAnswer(false, address(4), DIGEST, "", address(0), "");
    }

    function test_AWalletThatIsNotThereYetIsMadeByItsFactoryForTheQuestionAlone() public {
        address wallet = FACTORY.addressOf(OWNER);
        bytes memory makes = abi.encodeCall(FACTORY.make, OWNER);
        assertAnswer(false, wallet, DIGEST, signed("owner", wallet), address(0), makes);
        assertAnswer(false, wallet, DIGEST, signed("owner", wallet), address(FACTORY), "");
        vm.assertTrue(wallet.code.length == 0, "nobody has made it yet");
        assertAnswer(true, wallet, DIGEST, signed("owner", wallet), address(FACTORY), makes);
        vm.assertTrue(wallet.code.length > 0, "here the call was a transaction");
        address other = FACTORY.addressOf(person("other"));
        makes = abi.encodeCall(FACTORY.make, person("other"));
        assertAnswer(false, other, DIGEST, signed("mallory", other), address(FACTORY), makes);
        makes = abi.encodeCall(FACTORY.make, OWNER);
        assertAnswer(true, wallet, DIGEST, signed("owner", wallet), address(FACTORY), makes);
    }

    function test_AWalletThatIsThereAndNotReadyIsMadeReady() public {
        Sleeper wallet = new Sleeper();
        assertAnswer(false, address(wallet), DIGEST, "", address(0), "");
        assertAnswer(true, address(wallet), DIGEST, "", address(wallet), abi.encodeCall(Sleeper.wake, ()));
    }

    function test_ANotReadyFactoryThatRevertsIsNoError() public {
        address angry = address(new Parrot("no", true));
        assertAnswer(false, FACTORY.addressOf(OWNER), DIGEST, "", angry, "anything");
    }

    function test_OnlyTheOneWordIsAYes() public {
        assertParrot(true, abi.encode(bytes4(0x1626ba7e)));
        assertParrot(true, bytes.concat(abi.encode(bytes4(0x1626ba7e)), "and more"));
        assertParrot(false, abi.encode(bytes4(0xffffffff)));
        assertParrot(false, abi.encode(true));
        assertParrot(false, hex"1626ba7e");
        assertParrot(false, bytes.concat(bytes4(0x1626ba7e), bytes28(uint224(1))));
        assertParrot(false, "");
    }

    function test_AWalletThatRevertsWithTheRightWordSaysNo() public {
        address wallet = address(new Parrot(abi.encode(bytes4(0x1626ba7e)), true));
        assertAnswer(false, wallet, DIGEST, "", address(0), "");
    }

    function test_AskingAWalletChangesNothing() public {
        Scribe wallet = new Scribe();
        assertAnswer(false, address(wallet), DIGEST, "", address(0), "");
        vm.assertEq(wallet.asked(), 0);
    }

    function assertParrot(bool expected, bytes memory words) private {
        assertAnswer(expected, address(new Parrot(words, false)), DIGEST, "", address(0), "");
    }

    function assertAnswer(
        bool expected,
        address account,
        bytes32 digest,
        bytes memory signature,
        address factory,
        bytes memory preparation
    ) private {
        SignatureCheck made = new SignatureCheck(account, digest, signature, factory, preparation);
        bytes memory answer = address(made).code;
        vm.assertEq(answer.length, 1);
        vm.assertTrue((answer[0] == 0x01) == expected, expected ? "it is accepted" : "it is not accepted");
        vm.assertTrue(uint8(answer[0]) < 2, "it is one of two answers");
    }

    function signed(string memory name, address wallet) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKeyOf(name), DIGEST);
        return abi.encodePacked(r, s, v, wallet);
    }
}
