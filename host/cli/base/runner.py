"""Runs a command line: finds the command, ends with the right code, and never shows a traceback for a person's mistake."""

from __future__ import annotations

import importlib
import os
import pkgutil
import pwd
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from host.cli.base.context import DEFAULT, config_path, using_config
from host.cli.base.output import complain, examples, new_app, say
from host.correlation import correlated
from host.errors import CounterfoilError, Stop
from host.logs import write_log
from host.words import cut_tokens, database_says, did_you_mean, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import CommandGroup

INTERRUPTED: Final = 130
CLOSED_PIPE: Final = 141
"""Whoever read our output has had enough; what a shell says of a program that SIGPIPE ended."""
_CONFIG_OPTIONS: Final = ("-c", "--config")


def run(arguments: Sequence[str]) -> int:
    """One command line, without the program's name. Answers the exit code, as ``docs/commands.md`` explains it."""
    write_log()
    ordered = config_first(arguments)
    typed = cut_tokens(f"counterfoil {shlex.join(arguments)}")
    with using_config(_config_named(ordered)), correlated(typed, who=_user()):
        return _flushed(_guarded(ordered))


def _flushed(code: int) -> int:
    """The exit code, once all is written; the interpreter must not complain about it at its end."""
    if sys.stdout is None:  # closed by whoever started us
        return code
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return code or CLOSED_PIPE
        complain(f"the output cannot be written: {error.strerror}")
        return code or 1
    return code


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())  # in a container that account may have no name


def _guarded(arguments: Sequence[str]) -> int:
    try:
        code = program().main(args=list(arguments), prog_name="counterfoil", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # so Typer ends over a pipe that closed
            return CLOSED_PIPE
        raise
    except typer.TyperException as error:
        complain(" ".join(f"{_in_our_words(error.format_message())}{_see_help(error)}".split()))
        return error.exit_code
    except CounterfoilError as error:
        complain(str(error))
        return 1
    except Exception as error:
        if not _is_unusable_database(error):
            raise
        complain(f"the database cannot be used: {database_says(error)}")
        return 1
    return code if isinstance(code, int) else 0


def _is_unusable_database(error: Exception) -> bool:
    # Looked up rather than imported: most commands that fail have not needed SQLAlchemy.
    if "sqlalchemy.exc" not in sys.modules:
        return False
    from host.db.trouble import is_unusable

    return is_unusable(error)


_THEIR_WORDS: Final = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it takes a whole number",
    "Input should be a valid number, unable to parse string as a number": "it takes a number",
    "Input should be": "it should be",
}


def _in_our_words(message: str) -> str:
    for theirs, ours in _THEIR_WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _see_help(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return f" (see `{context.command_path} --help`)" if context is not None else ""


def config_first(arguments: Sequence[str]) -> list[str]:
    """``-c FILE`` moved to the front, so that it may stand after the subcommand as well, whoever's command it is."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*front, *rest, word, *waiting]
        if word in _CONFIG_OPTIONS:
            if not waiting:
                return [word]  # nothing follows: this alone is what there is to complain about
            front += [word, waiting.pop(0)]
        elif word.startswith("--config="):
            front += [_CONFIG_OPTIONS[0], word.removeprefix("--config=")]
        else:
            rest.append(word)
    return [*front, *rest]


def _config_named(ordered: Sequence[str]) -> Path:
    """Known before parsing: ``--help`` lists the commands of the plugins that the configuration names."""
    named = DEFAULT
    for option, value in zip(ordered[::2], ordered[1::2], strict=False):
        if option not in _CONFIG_OPTIONS:
            break
        named = Path(value)
    return named


# ----------------------------------------------------------------------------------------------------------- the program


class _Commands(TyperGroup):
    """The host's commands and the plugins', each imported only when it is wanted."""

    def list_commands(self, _context: Any) -> list[str]:
        return sorted({*built_in(), *plugin_groups()})

    def get_command(self, context: Any, name: str) -> Any:
        if name in built_in():
            return _named(typer.main.get_command(importlib.import_module(built_in()[name]).app), name)
        found = plugin_groups().get(name)
        if found is not None:
            return _PluginCommands(*found)
        meant = did_you_mean(name, self.list_commands(context))
        return context.fail(f"there is no command {name!r}{meant}")


class _PluginCommands(TyperGroup):
    """The commands of a plugin: named and described by data, imported when one of them is used."""

    def __init__(self, plugin: str, group: CommandGroup) -> None:
        super().__init__(name=group.name, help=group.help, rich_markup_mode=None)
        self._plugin = plugin
        self._group = group
        self._loaded: Any = None

    def _app(self) -> Any:
        if self._loaded is None:
            self._loaded = self._imported()
        return self._loaded

    def _imported(self) -> Any:
        module, _, attribute = self._group.target.partition(":")
        try:
            return typer.main.get_group(getattr(importlib.import_module(module), attribute))
        except Exception as error:
            raise Stop(f"the commands of plugin {self._plugin!r} cannot be imported: {one_line(error)}") from error

    def list_commands(self, context: Any) -> list[str]:
        return list(self._app().list_commands(context))

    def get_command(self, context: Any, name: str) -> Any:
        return self._app().get_command(context, name)


def _named(command: Any, name: str) -> Any:
    command.name = name
    return command


def built_in() -> dict[str, str]:
    """The host's own commands: every module of ``host.cli``, by the name of its command."""
    folder = str(Path(__file__).parents[1])
    modules = [module.name for module in pkgutil.iter_modules([folder]) if not module.ispkg]
    return {name.rstrip("_").replace("_", "-"): f"host.cli.{name}" for name in modules}


def plugin_groups() -> dict[str, tuple[str, CommandGroup]]:
    """The plugins' commands, by name, each with its plugin. They are there without a sound configuration too: some need none."""
    if not _groups:
        from host.plugins import Plugins

        plugins = Plugins(*_plugins_named())
        plugins.load()
        for plugin in plugins.active:
            for group in plugin.commands:
                _groups.setdefault(group.name, (plugin.name, group))
    return _groups


_groups: dict[str, tuple[str, CommandGroup]] = {}


def _plugins_named() -> tuple[list[str] | None, Path | None]:
    import tomllib

    path = config_path()
    try:
        table = tomllib.loads(path.read_text()).get("host", {})
        names, folder = table.get("plugins"), table.get("plugin_dir")
    except (OSError, ValueError, AttributeError):
        return None, None
    there = path.parent / folder if isinstance(folder, str) else None
    return names if isinstance(names, list) else None, there if there and there.is_dir() else None


_HELP: Final = """Keeps a company's billing records and its ledger equal.

Every command takes -c, before or after its name, and has a --help of its own."""
_EXAMPLES: Final = examples(
    "counterfoil demo",
    "counterfoil init books && cd books && counterfoil migrate && counterfoil check",
    "counterfoil load --help",
    "counterfoil --install-completion",
)


def program() -> Any:
    """The whole command line, as a command with commands: those of the plugins that the configuration of this moment names."""
    _groups.clear()  # a process may run several command lines, each on a configuration of its own
    app = new_app(_HELP, completion=True)
    app.callback(cls=_Commands, invoke_without_command=True, epilog=_EXAMPLES)(_begin)
    return typer.main.get_command(app)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - typer hands it over so
    if asked:
        from importlib.metadata import version

        say(f"counterfoil {version('counterfoil')}")
        raise typer.Exit


def _begin(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("-c", "--config", help="The configuration file.", show_default=True)
    ] = DEFAULT,
    *,
    version: Annotated[  # noqa: ARG001 - its callback answers it
        bool, typer.Option("--version", help="Say which version this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command."""
    context.with_resource(using_config(config))
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
