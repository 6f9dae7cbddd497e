"""Logs: JSON lines on standard error. Names, counts and times; never a key, or what somebody wrote."""

import logging
import sys
import traceback
from pathlib import Path

import structlog

FRAMES = 5
PACKAGE = Path(__file__).parent


def where(error: BaseException) -> list[str]:
    """Return the innermost places of our own code in a trace: what is left of it without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if PACKAGE in Path(frame.filename).parents]
    return [
        f"{Path(frame.filename).relative_to(PACKAGE)}:{frame.lineno} {frame.name}" for frame in ours[-FRAMES:]
    ]


def configure_logs() -> None:
    """Send our events and the libraries' warnings to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    # It warns of each run that is skipped since the one before still goes on, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
