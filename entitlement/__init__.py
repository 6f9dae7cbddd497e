"""Stake tokens, own a daily right to AI inference: the open, checkable chain from stake to spent credit."""

__version__ = "0.1.0"
