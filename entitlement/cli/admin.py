"""Commands of the operator: deploy, service tokens, and the clock of a development network."""

from pathlib import Path
from typing import Annotated

import typer

from entitlement.cli.acts import NOT_GIVEN, By, Reason, because
from entitlement.cli.show import console, moment
from entitlement.core.acts import ActKind
from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.settings import read_settings

gateways = typer.Typer(help="Give gateways their [bold]service tokens[/].", no_args_is_help=True)
clock = typer.Typer(help="Move the [bold]clock[/] of a development network.", no_args_is_help=True)


@gateways.command("token")
def gateway_token(
    name: Annotated[str, typer.Argument(help="The gateway's name.")], reason: Reason = NOT_GIVEN, by: By = ""
) -> None:
    """Make a service token for a gateway; the one it had ends. It is shown this once."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415 - loads the whole service

    with open_service(read_settings()) as service:
        print(service.gateways.issue_token(name, because(reason, by)))  # noqa: T201 - for scripts, so without colours


@gateways.command("revoke")
def revoke_gateway(
    name: Annotated[str, typer.Argument(help="The gateway's name.")], reason: Reason, by: By = ""
) -> None:
    """Refuse a gateway's token from now on."""
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    with open_service(read_settings()) as service:
        service.gateways.revoke(name, because(reason, by))
    console.print(f"{name} is refused from now on")


@clock.command("jump")
def jump(
    folder: Annotated[Path, typer.Option(help="The local stack's folder.")] = Path(".entitlement"),
    to: Annotated[int | None, typer.Option(help="Unix time to go to. [default: the next 00:00 UTC]")] = None,
    settled: Annotated[
        bool,
        typer.Option(
            "--settled", help="An hour further: then the day can change no more, and its root is published."
        ),
    ] = False,
    reason: Reason = NOT_GIVEN,
    by: By = "",
) -> None:
    """Move chain and service forward together; on a development network only."""
    from entitlement.chain.addresses import addresses_in  # noqa: PLC0415
    from entitlement.chain.devnet import Devnet  # noqa: PLC0415
    from entitlement.chain.rpc import JsonRpc  # noqa: PLC0415
    from entitlement.cli.running import read_running  # noqa: PLC0415
    from entitlement.cli.stack import wait_until_followed  # noqa: PLC0415
    from entitlement.wiring.service import open_service  # noqa: PLC0415

    settings = read_running(folder)
    with (
        open_service(settings) as service,
        JsonRpc(addresses_in(settings.rpc_url or service.network.rpc_url)[0]) as rpc,
    ):
        target = to if to is not None else ends_at(epoch_at(service.clock.now()))
        target += LATE_CAPTURE_SECONDS if settled else 0
        devnet = Devnet(rpc, service.network)
        service.clock.jump_to(target)
        why = because(reason, by)
        service.acts.record(ActKind.CLOCK_JUMP, why, subject=service.network.name, figures={"to": target})
        block = devnet.jump_to(max(target, devnet.head().timestamp + 1))
        # Until then there is no credit in the new day: nobody has seen the old one end.
        wait_until_followed(service, block.number, folder=folder)
    console.print(f"it is {moment(target)}, epoch {epoch_at(target)}")
