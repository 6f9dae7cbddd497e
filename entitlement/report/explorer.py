"""Links to where people look at a chain; where a network has no such place, the same words without a link."""

import re
from dataclasses import dataclass

from entitlement.report.document import code
from entitlement.report.markup import Markup, element
from entitlement.report.words import short

_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Explorer:
    """A block explorer, by the paths that Etherscan and Blockscout have in common."""

    base: str | None
    """Its address without a slash at the end; None for a network that has none."""

    def address(self, address: str, class_: str | None = None) -> Markup:
        """Return a whole address."""
        return self._linked("address", address, element("code", address, class_=class_))

    def transaction(self, transaction: str) -> Markup:
        """Return the two ends of a transaction's hash."""
        return self._linked("tx", transaction, code(short(transaction)))

    def block(self, number: int) -> Markup:
        """Return a block's number."""
        return self._linked("block", str(number), element("span", number))

    def _linked(self, kind: str, what: str, shown: Markup) -> Markup:
        # A node can say anything: only what can be nothing but a number becomes part of an address.
        if self.base is None or _NUMBER.fullmatch(what) is None:
            return shown
        return element("a", shown, href=f"{self.base}/{kind}/{what}")
