// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Guarded} from "./Guarded.sol";
import {Timelocked} from "./Timelocked.sol";
import {Usdc} from "./Usdc.sol";
import {Wiring} from "./Wiring.sol";
import {ICreditSales} from "./interfaces/ICreditSales.sol";
import {IGuardian} from "./interfaces/IGuardian.sol";

/// @title CreditSales
contract CreditSales is ICreditSales, Guarded, Timelocked {
    using SafeERC20 for IERC20;

    uint256 private constant TOP_UP_MINIMUM = 5 * Usdc.UNIT;
    uint256 private constant MONTH = 30 days;
    uint256 private constant MONTHS_MAXIMUM = 12;
    uint256 private constant PRICE_MINIMUM = 1 * Usdc.UNIT;
    uint256 private constant PRICE_MAXIMUM = 1_000 * Usdc.UNIT;
    uint256 private constant TIERS_MAXIMUM = 8;

    /// @inheritdoc ICreditSales
    IERC20 public immutable usdc;
    /// @inheritdoc ICreditSales
    address public immutable revenue;

    /// @inheritdoc ICreditSales
    mapping(address account => mapping(uint256 tier => uint256)) public memberUntil;

    /// @dev The price of tier 1 is the first. Invariant 26: each is always within PRICE_MINIMUM and PRICE_MAXIMUM.
    uint256[] private _prices;

    /// @param revenue_ Receives all payments for ever.
    /// @param monthlyPrices Units of USDC for a month of tier 1, 2, and so on. Their number is fixed by this.
    constructor(
        IERC20 usdc_,
        address revenue_,
        address timelock_,
        IGuardian guardian_,
        uint256[] memory monthlyPrices
    ) Guarded(guardian_) Timelocked(timelock_) {
        Usdc.requireToken(address(usdc_));
        Wiring.requireAddress(revenue_);
        if (monthlyPrices.length == 0 || monthlyPrices.length > TIERS_MAXIMUM) {
            revert TierCountOutOfBounds(monthlyPrices.length, TIERS_MAXIMUM);
        }
        usdc = usdc_;
        // slither-disable-next-line missing-zero-check requireAddress has checked it
        revenue = revenue_;
        for (uint256 i = 0; i < monthlyPrices.length; ++i) {
            _prices.push();
            _setPrice(i + 1, monthlyPrices[i]);
        }
    }

    /// @inheritdoc ICreditSales
    function topUp(address account, uint256 amount) public {
        _requireEntriesOpen();
        _requireUsable(account);
        if (amount < TOP_UP_MINIMUM) revert TopUpBelowMinimum(amount, TOP_UP_MINIMUM);

        emit TopUp(account, msg.sender, amount);
        _collect(amount);
    }

    /// @inheritdoc ICreditSales
    function topUpWithPermit(address account, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        _permit(amount, deadline, v, r, s);
        topUp(account, amount);
    }

    /// @inheritdoc ICreditSales
    function subscribe(address account, uint256 tier, uint256 months, uint256 maxUsdc)
        public
        returns (uint256 until)
    {
        _requireEntriesOpen();
        _requireUsable(account);
        if (months == 0 || months > MONTHS_MAXIMUM) revert MonthsOutOfBounds(months, MONTHS_MAXIMUM);
        uint256 cost = months * priceOf(tier);
        if (cost > maxUsdc) revert CostAboveMaximum(cost, maxUsdc);

        until = Math.max(block.timestamp, memberUntil[account][tier]) + months * MONTH;
        memberUntil[account][tier] = until;
        emit Subscribed(account, msg.sender, tier, until);
        _collect(cost);
    }

    /// @inheritdoc ICreditSales
    function subscribeWithPermit(
        address account,
        uint256 tier,
        uint256 months,
        uint256 maxUsdc,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 until) {
        _permit(maxUsdc, deadline, v, r, s);
        return subscribe(account, tier, months, maxUsdc);
    }

    /// @inheritdoc ICreditSales
    function setPrice(uint256 tier, uint256 newPrice) external {
        _requireTimelock();
        _setPrice(tier, newPrice);
    }

    /// @inheritdoc ICreditSales
    function priceOf(uint256 tier) public view returns (uint256) {
        if (tier == 0 || tier > _prices.length) revert NoSuchTier(tier, _prices.length);
        return _prices[tier - 1];
    }

    /// @inheritdoc ICreditSales
    function tierCount() external view returns (uint256) {
        return _prices.length;
    }

    /// @inheritdoc ICreditSales
    function minimumTopUp() external pure returns (uint256) {
        return TOP_UP_MINIMUM;
    }

    function _setPrice(uint256 tier, uint256 newPrice) private {
        uint256 previousPrice = priceOf(tier);
        if (newPrice < PRICE_MINIMUM || newPrice > PRICE_MAXIMUM) {
            revert PriceOutOfBounds(newPrice, PRICE_MINIMUM, PRICE_MAXIMUM);
        }
        _prices[tier - 1] = newPrice;
        emit PriceSet(tier, previousPrice, newPrice);
    }

    /// @dev As in a station: anybody may have handed the permit in before, and only the allowance counts.
    function _permit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        // The token could call back from here, but into a purchase like any other: nothing has been done yet.
        // slither-disable-next-line reentrancy-benign,reentrancy-events
        try IERC20Permit(address(usdc)).permit(msg.sender, address(this), amount, deadline, v, r, s) {}
            catch {}
    }

    /// @dev From the caller straight to the revenue address. What arrived is measured: a token that keeps a fee or only
    /// says yes sells nothing, nor does the revenue address to itself. A token that let the payer in between would
    /// make a payment inside another count in both, which then is too much for the outer one: neither is sold.
    function _collect(uint256 owed) private {
        uint256 before = usdc.balanceOf(revenue);
        usdc.safeTransferFrom(msg.sender, revenue, owed);
        uint256 received = usdc.balanceOf(revenue) - before;
        if (received != owed) revert PaymentNotReceived(owed, received);
    }

    function _requireUsable(address account) private view {
        if (account == address(0) || account == address(this)) revert AccountRefused(account);
    }
}
