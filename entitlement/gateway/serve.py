"""Running the programs of this package. Logs are JSON lines on standard error; nobody's texts are in them."""

import logging
import math
import sys
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette

from entitlement.gateway.app import create_app
from entitlement.gateway.echo import create_echo
from entitlement.gateway.settings import GatewaySettings
from entitlement.proxies import server_options


def run_gateway(settings: GatewaySettings, host: str, port: int) -> None:
    """Serve the gateway until SIGINT or SIGTERM.

    Then no connection is accepted any more, streams may end by themselves for `shutdown_seconds`, the rest is
    cancelled, and as long again is taken to settle every hold.
    """
    _serve(
        create_app(settings),
        host,
        port,
        settings.time_outs.shutdown_seconds,
        server_options(settings.trusted_proxies),
    )


def run_echo(host: str, port: int) -> None:
    """Serve the echo model until SIGINT or SIGTERM."""
    _serve(create_echo(), host, port, 1.0, server_options(()))


def _serve(app: Starlette, host: str, port: int, shutdown_seconds: float, options: dict[str, Any]) -> None:
    _configure_logs()
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Our own line says more than the access log, and leaves out addresses.
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(shutdown_seconds),
        **options,
    )


def _configure_logs() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    # One line for every call to the service and to an upstream would only repeat ours.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
