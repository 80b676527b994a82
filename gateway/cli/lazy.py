"""Groups of commands whose modules are loaded when a command of theirs is used.

All of them together take a second and a half to load, which each command would wait for.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class LazyGroup(TyperGroup):
    """Has its own commands, and those of `rooms`: name, and module that registers it."""

    rooms: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Name all commands, and load nothing."""
        return list(dict.fromkeys([*super().list_commands(ctx), *self.rooms]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; load its module first, if it has one."""
        if cmd_name in self.rooms and cmd_name not in self.commands:
            part = typer.Typer()
            import_module(self.rooms[cmd_name]).register(part)
            self.commands.update(typer.main.get_group(part).commands)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is meant. For a wrong word all are loaded, to name a near one."""
        if args and args[0] not in self.list_commands(ctx):
            for name in self.rooms:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)
