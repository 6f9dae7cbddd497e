// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Base of the replicas: an ERC-20 that takes the zero address for one like any other
/// @notice For development chains and tests. A transfer to the zero address is a transfer: it leaves `totalSupply` as
/// it is, which is how the live VVV is burned.
abstract contract ReplicaToken {
    string public name;
    string public symbol;
    uint8 public constant decimals = 18;
    /// @dev Whether holders may move it among them.
    bool private immutable _isTransferable;

    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    /// @notice `amount` went from one balance to another; from the zero address when it was minted.
    event Transfer(address indexed from, address indexed to, uint256 amount);
    /// @notice `spender` may take `amount` from `account`.
    event Approval(address indexed account, address indexed spender, uint256 amount);

    /// @notice `account` has `available`, and `needed` was asked for.
    error InsufficientBalance(address account, uint256 available, uint256 needed);
    /// @notice `spender` may take `available` from `account`, and `needed` was asked for.
    error InsufficientAllowance(address account, address spender, uint256 available, uint256 needed);
    /// @notice The token does not move between accounts.
    error NotTransferable();

    constructor(string memory name_, string memory symbol_, bool isTransferable) {
        name = name_;
        symbol = symbol_;
        _isTransferable = isTransferable;
    }

    /// @notice Lets `spender` take `amount` of the caller's tokens.
    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    /// @notice Moves `amount` from the caller to `to`, the zero address included.
    function transfer(address to, uint256 amount) external returns (bool) {
        _requireTransferable();
        _move(msg.sender, to, amount);
        return true;
    }

    /// @notice Moves `amount` from `from` to `to`, for whoever `from` allowed it.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        _requireTransferable();
        uint256 allowed = allowance[from][msg.sender];
        if (amount > allowed) revert InsufficientAllowance(from, msg.sender, allowed, amount);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - amount;
        _move(from, to, amount);
        return true;
    }

    function _mint(address to, uint256 amount) internal {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    /// @dev Unlike a transfer to the zero address, it lowers the supply: sVVV and DIEM end so.
    function _burn(address from, uint256 amount) internal {
        _take(from, amount);
        totalSupply -= amount;
        emit Transfer(from, address(0), amount);
    }

    function _move(address from, address to, uint256 amount) internal {
        _take(from, amount);
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }

    function _take(address from, uint256 amount) private {
        uint256 available = balanceOf[from];
        if (amount > available) revert InsufficientBalance(from, available, amount);
        balanceOf[from] = available - amount;
    }

    function _requireTransferable() private view {
        if (!_isTransferable) revert NotTransferable();
    }
}
