// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IGuarded} from "./IGuarded.sol";
import {ITimelocked} from "./ITimelocked.sol";
import {IUsdcPriced} from "./IUsdcPriced.sol";
import {IWired} from "./IWired.sol";

/// @title USDC in, API credit or a membership out
/// @notice Sells two things: prepaid credit, dollar for dollar, and memberships by the month of 30 days. What is paid
/// goes from the payer to the revenue address in the same call; this contract never holds a token.
///
/// Credit and memberships themselves are the ledger's: it follows these events. Tiers count up from 1; a membership
/// runs for each tier on its own, and holds while `block.timestamp < until`.
/// @dev Warning: nothing is paid back here. A payment for the wrong account is that account's.
interface ICreditSales is IGuarded, ITimelocked, IUsdcPriced, IWired {
    /// @notice `payer` bought `usdc` units of credit (six decimals) for `account`.
    event TopUp(address indexed account, address indexed payer, uint256 usdc);

    /// @notice `payer` bought months for `account`, which is now a member of `tier` until `until`, a Unix time.
    event Subscribed(address indexed account, address indexed payer, uint256 tier, uint256 until);

    /// @notice A month of `tier` costs `newPrice` units of USDC from now on. `previousPrice` is 0 at the beginning.
    event PriceSet(uint256 indexed tier, uint256 previousPrice, uint256 newPrice);

    /// @notice Nobody can use what is bought for the zero address or for this contract.
    error AccountRefused(address account);

    /// @notice Less than the smallest top-up. Units of USDC.
    error TopUpBelowMinimum(uint256 usdc, uint256 minimum);

    /// @notice There is no such tier. They are 1 to `tiers`.
    error NoSuchTier(uint256 tier, uint256 tiers);

    /// @notice One purchase is for at least one month and at most `maximum`.
    error MonthsOutOfBounds(uint256 months, uint256 maximum);

    /// @notice The months cost more than the payer allows. Units of USDC.
    error CostAboveMaximum(uint256 cost, uint256 maximum);

    /// @notice A price lies outside the bounds that hold for ever. Units of USDC for a month.
    error PriceOutOfBounds(uint256 price, uint256 minimum, uint256 maximum);

    /// @notice Tiers are fixed at the beginning: at least one, at most `maximum`.
    error TierCountOutOfBounds(uint256 tiers, uint256 maximum);

    /// @notice Not exactly what is owed has arrived at the revenue address. Units of USDC.
    error PaymentNotReceived(uint256 owed, uint256 received);

    /// @notice Buys `amount` units (of USDC) of prepaid credit for `account`, which may be anybody.
    /// @dev Needs an allowance. Reverts with EntriesArePaused, AccountRefused, TopUpBelowMinimum or
    /// PaymentNotReceived.
    function topUp(address account, uint256 amount) external;

    /// @notice Like `topUp`, with an ERC-2612 signature of the caller over `amount` in place of an earlier approval.
    /// @dev A permit that somebody else has already handed in does not block the call: the allowance is there then.
    function topUpWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Buys `months` months of `tier` for `account`, which may be anybody, at no more than `maxUsdc` in all.
    /// They begin where its membership of that tier ends, or now.
    /// @dev Needs an allowance. Reverts with EntriesArePaused, AccountRefused, NoSuchTier, MonthsOutOfBounds,
    /// CostAboveMaximum or PaymentNotReceived.
    /// @return until The new end of the membership, a Unix time.
    function subscribe(address account, uint256 tier, uint256 months, uint256 maxUsdc)
        external
        returns (uint256 until);

    /// @notice Like `subscribe`, with an ERC-2612 signature of the caller over `maxUsdc`.
    /// @dev As with `topUpWithPermit`, a used permit does not block. What the months cost less stays approved.
    function subscribeWithPermit(
        address account,
        uint256 tier,
        uint256 months,
        uint256 maxUsdc,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 until);

    /// @notice Sets what a month of `tier` costs. Only the timelock. Reverts with NoSuchTier or PriceOutOfBounds.
    function setPrice(uint256 tier, uint256 newPrice) external;

    /// @notice The end of `account`'s membership of `tier`, a Unix time; 0 if it never was a member.
    function memberUntil(address account, uint256 tier) external view returns (uint256);

    /// @notice What a month of `tier` costs, in units of USDC. Reverts with NoSuchTier.
    function priceOf(uint256 tier) external view returns (uint256);

    /// @notice How many tiers there are; the highest one.
    function tierCount() external view returns (uint256);

    /// @notice The smallest top-up, in units of USDC. A constant.
    function minimumTopUp() external view returns (uint256);

    /// @notice The token in which is paid, with six decimals.
    function usdc() external view returns (IERC20);

    /// @notice Where all payments go, for ever.
    function revenue() external view returns (address);
}
