"""The menu, and how a failure is told."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer
from rich.console import Console

from entitlement import __version__
from entitlement.core.errors import EntitlementError

TRY_IT, HOLDERS, OPERATORS, PROCESSES = (
    "Try it on this machine",
    "Wallet holders",
    "Operators",
    "Processes of the service",
)

COMMANDS = {
    "up": ("up", TRY_IT),
    "demo": ("demo", TRY_IT),
    "clock": ("admin", TRY_IT),
    "keys": ("wallet", HOLDERS),
    "account": ("wallet", HOLDERS),
    "live": ("live", HOLDERS),
    "proof": ("proof", HOLDERS),
    "receipt": ("receipt", HOLDERS),
    "deploy": ("deploy", OPERATORS),
    "check": ("check", OPERATORS),
    "explorer-input": ("check", OPERATORS),
    "verify": ("verify", OPERATORS),
    "reindex": ("reindex", OPERATORS),
    "admin": ("timelock", OPERATORS),
    "audit": ("audit", OPERATORS),
    "gateways": ("admin", OPERATORS),
    "pro-rata": ("pro_rata", OPERATORS),
    "credit": ("credit", OPERATORS),
    "membership": ("membership", OPERATORS),
    "suspend-key": ("acts", OPERATORS),
    "restore-key": ("acts", OPERATORS),
    "acts": ("acts", OPERATORS),
    "statement": ("statement", OPERATORS),
    "buyback": ("buyback", OPERATORS),
    "serve": ("roles", PROCESSES),
    "jobs": ("roles", PROCESSES),
    "follow": ("roles", PROCESSES),
    "gateway": ("roles", PROCESSES),
    "echo": ("roles", PROCESSES),
}
"""Each command, the module here that has it under the same name with _, and where the menu shows it."""


def make_app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the menu with these commands."""
    app = typer.Typer(
        name="entitlement",
        help="Stake tokens, own a daily right to AI inference: the whole chain from stake to spent credit.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,  # locals hold secrets
        add_completion=False,
    )
    app.callback(invoke_without_command=True)(menu)
    for name in names:
        module, panel = COMMANDS[name]
        found = getattr(import_module(f"entitlement.cli.{module}"), name.replace("-", "_"))
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=panel)
        else:
            app.command(name=name, rich_help_panel=panel)(found)
    return app


def menu(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """Show the menu."""
    if version:
        print(__version__)  # noqa: T201 - for scripts, so without colours
        raise typer.Exit


def main() -> None:
    """Run a command; an expected failure is its sentence in red and exit code 1."""
    # Only what is asked for: loading them all takes a second, and a stack starts four of them.
    app = make_app([word for word in sys.argv[1:2] if word in COMMANDS] or COMMANDS)
    try:
        app()
    except EntitlementError as error:
        console = Console(stderr=True, highlight=False)
        # Not wrapped: there may be a path or a command in it to copy.
        console.print(f"error: {error}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
