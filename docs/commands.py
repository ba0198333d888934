"""Write commands.md from the commands themselves.

    python docs/commands.py

What stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from marks import filled

from normlab.cli.app import app

PAGE = Path(__file__).with_suffix(".md")


def commands() -> dict[str, Any]:
    """Every command by its name, in the order of the help."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def section(name: str, command: Any) -> Iterator[str]:
    """How a command is called, what it does, and what can be given."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    yield from ("", f"## {name}", "")
    yield f"    {' '.join(['normlab', name, *map(_usage, arguments), '[OPTIONS]'])}"
    yield from ("", _markdown(command.help))
    for title, parameters in {"argument": arguments, "option": options}.items():
        if parameters:
            yield from ("", f"| {title} | meaning | default |", "|---|---|---|")
            yield from (_row(parameter) for parameter in parameters)


def _usage(argument: Any) -> str:
    word = _word(argument)
    word = f"{word}..." if argument.nargs == -1 else word
    return word if argument.required else f"[{word}]"


def _word(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        names = f"`{_word(parameter)}`"
    else:
        flags = [f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts)]
        value = "" if parameter.is_flag else f" `{_value(parameter)}`"
        names = ", ".join(flags) + value
    text, default = map(_options_as_code, _meaning(parameter))
    cells = (cell.replace("|", "\\|") for cell in (names, text, default))
    return f"| {' | '.join(cells)} |"


def _options_as_code(text: str) -> str:
    """Options in backquotes, where they do not stand in some already.

    Example:
        >>> _options_as_code("as many as --seeds; see `resume --seeds`")
        'as many as `--seeds`; see `resume --seeds`'
    """
    parts = text.split("`")
    parts[::2] = [re.sub(r"(?<!\w)--[a-z-]+", r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)


def _value(option: Any) -> str:
    return option.metavar or option.type.name.upper()


def _meaning(parameter: Any) -> tuple[str, str]:
    """The line of help, and the default: it may stand at the end of the line."""
    text, _, said = (parameter.help or "").partition(" [default: ")
    if said:
        return f"{text.rstrip('.')}.", said.rstrip("].")
    default = parameter.default
    shown = default is not None and not callable(default) and default is not False
    shown = shown and default != () and not parameter.required
    return text, f"`{default}`" if shown else ""


def _markdown(text: str) -> str:
    """A help text as paragraphs, its example in code."""
    paragraphs = [" ".join(part.split()) for part in (text or "").split("\n\n")]
    return "\n\n".join(
        f"Example: `{part.removeprefix('Example: ')}`"
        if part.startswith("Example: ")
        else _options_as_code(part)
        for part in paragraphs
    )


def content() -> str:
    """A section for each command."""
    lines = [line for named in commands().items() for line in section(*named)]
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its sections as they are now."""
    return filled(text, "commands", content())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
