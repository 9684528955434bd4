"""Groups of commands whose modules are imported when a command is called."""

import importlib
from typing import Any

import click


class LazyGroup(click.Group):
    """Has a command for each name in `modules`, in that order, which is found in the module of `cnnspec.cli`.

    Where no command is named, the `default` is meant, if there is one.
    """

    def __init__(self, *args: Any, modules: dict[str, str], default: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.modules, self.default = modules, default

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names of the commands, for the help."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return the command of that name, or None; its module is imported."""
        if name not in self.modules:
            return None
        module = importlib.import_module(f"cnnspec.cli.{self.modules[name]}")
        return next(c for c in vars(module).values() if isinstance(c, click.Command) and c.name == name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the line, in which the default's name may be left out."""
        first = args[0] if args else "-"
        if self.default and first.startswith("-") and first not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)
