"""The commands, put together; importing this imports Typer and nothing heavier."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from normlab.cli.export import export
from normlab.cli.listing import list_studies
from normlab.cli.merge import merge
from normlab.cli.new import new
from normlab.cli.recalibrate import recalibrate
from normlab.cli.report import report
from normlab.cli.rerun import rerun
from normlab.cli.resume import resume
from normlab.cli.run import run
from normlab.cli.show import show
from normlab.cli.surface import surface
from normlab.cli.verbs import convert, fold, insert, inspect
from normlab.errors import NormlabError
from normlab.spec.renamed import RenamedSetting
from normlab.terminal.printing import complain

# Click's base of all usage errors; Typer carries it under a private name.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


COMPLETE = "_NORMLAB_COMPLETE"
"""By which a shell asks for words, as Click spells it."""


class _EachOnce(TyperCommand):
    """A command that refuses an option of one value given twice: which would hold?"""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            single = getattr(option, "is_flag", None) is False and not option.multiple
            if single and given.count(option) > 1:
                name = option.opts[0]
                ctx.fail(
                    f"{name} is given twice; write it once: {name} {option.metavar}"
                )
        return super().parse_args(ctx, args)


# rich would double the time of --help, and rich tracebacks hide ours
app = typer.Typer(
    name="normlab",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", cls=_EachOnce)(run)
app.command("new", cls=_EachOnce)(new)
app.command("resume", cls=_EachOnce)(resume)
app.command("rerun", cls=_EachOnce)(rerun)
app.command("merge", cls=_EachOnce)(merge)
app.command("show", cls=_EachOnce)(show)
app.command("list", cls=_EachOnce)(list_studies)
app.command("report", cls=_EachOnce)(report)
app.command("export", cls=_EachOnce)(export)
app.command("surface", cls=_EachOnce)(surface)
app.command("inspect", cls=_EachOnce)(inspect)
app.command("fold", cls=_EachOnce)(fold)
app.command("convert", cls=_EachOnce)(convert)
app.command("insert", cls=_EachOnce)(insert)
app.command("recalibrate", cls=_EachOnce)(recalibrate)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"normlab {version('normlab')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def normlab(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """What does batch normalization do to this network? Measured on twins.

    `normlab run` trains a reference network (784-512-256-10, MNIST) with and without
    batch normalization, from the same weights and on the same batches, over five seeds.

    Exit codes: 0 done; 1 failed; 2 bad usage or bad input; 130 stopped by Ctrl-C and
    143 by SIGTERM (129: SIGHUP), with everything so far kept.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def invoke(arguments: Sequence[str]) -> int:
    """Parse the words and run the command they name.

    Returns:
        The exit code.

    Raises:
        NormlabError: If the words make no command.
        KeyboardInterrupt: If it is stopped.
    """
    if COMPLETE in os.environ:  # the shell asks what may follow
        app(prog_name="normlab")
    command = typer.main.get_command(app)
    try:
        # not `app()`, which takes an interrupt for an exit like others
        with (
            _renamed_settings_in_one_line(),
            command.make_context("normlab", list(arguments)) as context,
        ):
            code = command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _UsageError as error:
        raise NormlabError(_lesson(error)) from None
    return code if isinstance(code, int) else 0


@contextmanager
def _renamed_settings_in_one_line() -> Iterator[None]:
    """Tell what is called otherwise now without Python's file and line."""
    shown = warnings.showwarning

    def tell(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, RenamedSetting):
            complain(f"normlab: note: {message}")
        else:
            shown(message, category, *rest)

    with warnings.catch_warnings():
        warnings.simplefilter("always", RenamedSetting)
        warnings.showwarning = tell
        yield


def _lesson(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "normlab"
    text = getattr(error, "format_message", error.__str__)()
    stop = "" if text.endswith((".", "?")) else "."
    return f"{text}{stop} See: {command} --help"
