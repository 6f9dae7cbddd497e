"""The menu, and how a failure is told."""

import sys

import typer
from rich.console import Console

from entitlement import __version__
from entitlement.cli import admin, demo, deploy, roles, up, wallet
from entitlement.core.errors import EntitlementError

app = typer.Typer(
    name="entitlement",
    help="Stake tokens, own a daily right to AI inference: the whole chain from stake to spent credit.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals hold secrets
    add_completion=False,
)

app.command(rich_help_panel="Try it on this machine")(up.up)
app.command(rich_help_panel="Try it on this machine")(demo.demo)
app.add_typer(admin.clock, name="clock", rich_help_panel="Try it on this machine")
app.add_typer(wallet.keys, name="keys", rich_help_panel="Wallet holders")
app.command(rich_help_panel="Wallet holders")(wallet.account)
app.command(rich_help_panel="Operators")(deploy.deploy)
app.add_typer(admin.gateways, name="gateways", rich_help_panel="Operators")
app.command(rich_help_panel="Processes of the service")(roles.serve)
app.command(rich_help_panel="Processes of the service")(roles.jobs)
app.command(rich_help_panel="Processes of the service")(roles.follow)
app.command(rich_help_panel="Processes of the service")(roles.gateway)
app.command(rich_help_panel="Processes of the service")(roles.echo)


@app.callback(invoke_without_command=True)
def menu(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """Show the menu."""
    if version:
        print(__version__)  # noqa: T201 - for scripts, so without colours
        raise typer.Exit


def main() -> None:
    """Run a command; an expected failure is its sentence in red and exit code 1."""
    try:
        app()
    except EntitlementError as error:
        console = Console(stderr=True, highlight=False)
        # Not wrapped: there may be a path or a command in it to copy.
        console.print(f"error: {error}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
