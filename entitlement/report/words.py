"""Amounts and times as people read them. Integers in, text out; what does not fit is cut off."""

from datetime import UTC, datetime

from entitlement.core.units import NANO_USD_PER_USD, USDC_PER_DOLLAR, WEI_PER_TOKEN

HUNDRED, THOUSAND = 100, 1_000
MILLION = 1_000_000


def decimal(amount: int, one: int, places: int) -> str:
    """Return `amount` as so many of `one`, with `places` digits behind the point: 1,234.56."""
    scale = 10**places
    cut = abs(amount) * scale // one
    sign = "-" if amount < 0 and cut else ""
    whole, rest = divmod(cut, scale)
    return f"{sign}{whole:,}" + (f".{rest:0{places}d}" if places else "")


def tokens(wei: int, places: int = 2) -> str:
    """Return wei of VVV or DIEM in whole tokens."""
    return decimal(wei, WEI_PER_TOKEN, places)


def dollars(nano_usd: int, places: int = 2) -> str:
    """Return credit in dollars."""
    return f"${decimal(nano_usd, NANO_USD_PER_USD, places)}"


def usdc(units: int, places: int = 2) -> str:
    """Return units of USDC in dollars."""
    return f"${decimal(units, USDC_PER_DOLLAR, places)}"


def percent(millionths: int) -> str:
    """Return millionths as a percentage with its sign, cut to hundredths of a percent: 12_345 -> +1.23 %."""
    return f"{'+' if millionths > 0 else ''}{decimal(millionths * HUNDRED, MILLION, 2)} %"


def share(part: int, whole: int) -> str:
    """Return what percentage `part` is of `whole`, with one digit behind the point."""
    if 0 < part * THOUSAND < whole:
        return "< 0.1 %"
    return f"{decimal(part * HUNDRED, whole, 1)} %" if whole else "0.0 %"


def moment(timestamp: int) -> str:
    """Return a Unix time in UTC: 2026-09-19 14:02."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M}"


def day(timestamp: int) -> str:
    """Return the day (UTC) of a Unix time: 2026-09-19."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d}"


def month(timestamp: int) -> str:
    """Return the calendar month (UTC) of a Unix time: 2026-09."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m}"


def duration(seconds: int) -> str:
    """Return a time span in its largest unit that it fills: 9 days, 4 hours, 90 seconds."""
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length or seconds == length:
            count = seconds // length
            return f"{count} {name}" + ("s" if count > 1 else "")
    return f"{seconds} seconds"


def short(text: str) -> str:
    """Return the two ends of a hash or an address."""
    return f"{text[:8]}…{text[-6:]}"
