"""The processes of the service, each a command of its own, so that they can run on machines of their own."""

import os
import signal
from contextlib import ExitStack
from types import FrameType
from typing import Annotated

import typer

from entitlement.cli.acts import NOT_GIVEN, By, Reason, because
from entitlement.cli.children import interrupt, stop_with_parent
from entitlement.cli.interpreter import collect_seldom, keep_what_is_there, loading, take_turns_often
from entitlement.cli.progress import Meter
from entitlement.cli.show import console
from entitlement.core.acts import ActKind
from entitlement.proxies import server_options
from entitlement.settings import read_settings

StopWithParent = Annotated[bool, typer.Option("--stop-with-parent", hidden=True)]

GRACEFUL_SECONDS = 10
METRICS_HOST = "127.0.0.1"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [default: 8500]")] = None,
    stop: StopWithParent = False,
) -> None:
    """Run the [bold]API[/]: holds and captures for gateways, accounts and keys for wallets, health."""
    with loading():
        import uvicorn  # noqa: PLC0415 - each role loads what it needs

        from entitlement.api.app import create_app  # noqa: PLC0415
        from entitlement.api.door_protocol import DoorProtocol  # noqa: PLC0415
        from entitlement.metrics import OF_API, serve_metrics  # noqa: PLC0415
        from entitlement.telemetry import configure_logs  # noqa: PLC0415
        from entitlement.wiring.service import open_service  # noqa: PLC0415

    if stop:
        stop_with_parent()
    settings = read_settings(api_host=host, api_port=port)
    configure_logs()
    # The server raises the signal that ended it once more when it is done: then we leave what was entered.
    signal.signal(signal.SIGTERM, interrupt)
    take_turns_often()
    if settings.api_metrics_port is not None:
        serve_metrics(METRICS_HOST, settings.api_metrics_port, OF_API, setting="API_METRICS_PORT")
    with open_service(settings) as service:
        app = create_app(service)
        keep_what_is_there()
        collect_seldom()
        uvicorn.run(
            app,
            host=settings.api_host,
            port=settings.api_port,
            access_log=False,  # paths would be kept for ever beside addresses
            log_config=None,
            server_header=False,
            http=DoorProtocol,
            **server_options(settings.trusted_proxies),
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )


def jobs(stop: StopWithParent = False) -> None:
    """Run the [bold]follower and the scheduler[/]: follow the chain, make grants, expire what ran out.

    Start as many as you like: one works, the others wait to take over.
    """
    with loading():
        from entitlement.cli.configured import configured_jobs  # noqa: PLC0415
        from entitlement.jobs import Jobs  # noqa: PLC0415
        from entitlement.metrics import serve_metrics  # noqa: PLC0415
        from entitlement.store.leadership import Leadership, Role  # noqa: PLC0415
        from entitlement.telemetry import configure_logs  # noqa: PLC0415
        from entitlement.wiring.database import open_database  # noqa: PLC0415
        from entitlement.wiring.following import open_follower  # noqa: PLC0415
        from entitlement.wiring.service import service_on  # noqa: PLC0415

    if stop:
        stop_with_parent()
    take_turns_often()
    collect_seldom()
    settings = read_settings()
    configure_logs()
    if settings.metrics_port is not None:
        serve_metrics(METRICS_HOST, settings.metrics_port)
    with open_database(settings) as engine:
        service = service_on(settings, engine)
        with ExitStack() as opened:
            follower = opened.enter_context(open_follower(settings, service.sessions))
            configured = configured_jobs(settings, service, engine, opened)
            leadership = Leadership(engine, Role.JOBS)
            running = Jobs(service, follower, leadership, settings.poll_seconds, configured)

            def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the system's own arguments
                running.stop()

            signal.signal(signal.SIGTERM, end)
            signal.signal(signal.SIGINT, end)
            ended_well = running.run()
    if running.is_hanging:
        # The interpreter would wait for that thread before it ends.
        os._exit(0 if ended_well else 1)
    if not ended_well:
        raise typer.Exit(1)


def follow(
    undo_final: Annotated[
        bool,
        typer.Option(
            "--undo-final", help="Undo final blocks that are gone from the chain, at any depth. Look first."
        ),
    ] = False,
    reason: Reason = NOT_GIVEN,
    by: By = "",
) -> None:
    """Follow the chain [bold]once[/], from where it was left to its head, and stop."""
    with loading():
        from entitlement.flows.record_acts import RecordActs  # noqa: PLC0415
        from entitlement.store.session import session_factory  # noqa: PLC0415
        from entitlement.wiring.database import open_database  # noqa: PLC0415
        from entitlement.wiring.following import open_follower  # noqa: PLC0415

    take_turns_often()
    collect_seldom()
    settings = read_settings()
    with (
        open_database(settings) as engine,
        open_follower(settings, session_factory(engine), may_undo_final=undo_final) as follower,
    ):
        if undo_final:
            recorded = RecordActs(session_factory(engine))
            recorded.record(ActKind.UNDO_FINAL, because(reason, by), subject=settings.network)
        start = follower.reached() or 0
        events = 0
        with Meter("following") as meter:
            while True:  # ends at the head, which the node names at each step
                done = follower.step()
                events += done.events
                meter.update(done.head - start, done.node_head - start, events)
                if done.is_caught_up:
                    break
    console.print(f"at block {done.head:,}, the head: {events:,} new events")


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8501,
    stop: StopWithParent = False,
) -> None:
    """Run the [bold]reference gateway[/]: an OpenAI-compatible API that spends credit.

    It is told where the service and the models are by ENTITLEMENT_GATEWAY_SERVICE_URL, _SERVICE_TOKEN,
    _UPSTREAMS and _PRICE_LIST.
    """
    from entitlement.gateway.serve import run_gateway  # noqa: PLC0415
    from entitlement.gateway.settings import read_settings as read_gateway_settings  # noqa: PLC0415

    if stop:
        stop_with_parent()
    run_gateway(read_gateway_settings(), host, port)


def echo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8502,
    stop: StopWithParent = False,
) -> None:
    """Run the [bold]echo model[/]: an upstream for a laptop that answers what it is told."""
    from entitlement.gateway.serve import run_echo  # noqa: PLC0415

    if stop:
        stop_with_parent()
    run_echo(host, port)
