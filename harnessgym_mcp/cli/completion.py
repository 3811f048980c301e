"""Shell completion scripts, generated from the parser: static text, so that pressing Tab starts no Python."""

import argparse
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish")

_FILES = ("DIR", "FILE", "PATH")


@dataclass(frozen=True, slots=True)
class _Argument:
    """An option, or with no `flags` a positional argument. `words` and `files` are what its value may be."""

    flags: tuple[str, ...]
    about: str
    takes_value: bool
    words: tuple[str, ...]
    files: bool
    many: bool


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    about: str
    arguments: tuple[_Argument, ...]

    @property
    def options(self) -> list[_Argument]:
        return [a for a in self.arguments if a.flags]

    @property
    def positionals(self) -> list[_Argument]:
        return [a for a in self.arguments if not a.flags]

    @property
    def flags(self) -> str:
        return " ".join(flag for option in self.options for flag in option.flags)

    @property
    def words(self) -> str:
        return " ".join(word for positional in self.positionals for word in positional.words)


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for `bash`, `zsh` or `fish`."""
    commands = [*_commands(parser)]
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](parser.prog, commands)


def _commands(parser: argparse.ArgumentParser) -> Iterator[_Command]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            abouts = {each.dest: each.help or "" for each in action._choices_actions}
            for name, command in action.choices.items():
                arguments = tuple(_argument(a) for a in command._actions if a.help != argparse.SUPPRESS)
                yield _Command(name, abouts.get(name, ""), arguments)


def _argument(action: argparse.Action) -> _Argument:
    words = tuple(map(str, action.choices or getattr(action, "completions", None) or ()))
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest
    return _Argument(
        flags=tuple(action.option_strings),
        about=(action.help or metavar).replace("%%", "%"),
        takes_value=action.nargs != 0,
        words=words,
        files=not words and metavar.upper() in _FILES,
        many=action.nargs in ("*", "+"),
    )


def _bash(prog: str, commands: Sequence[_Command]) -> str:
    lines = [
        f"_{prog}() {{",
        '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" flags="" words="" files=""',
        "    COMPREPLY=()",
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        words="{" ".join(c.name for c in commands)}" flags="--help --version"',
        "    else",
        '        case "${COMP_WORDS[1]}" in',
        *(f"        {line}" for command in commands for line in _bash_command(command)),
        "        esac",
        '        case "${COMP_WORDS[1]} $prev" in',
        *(f"        {line}" for command in commands for line in _bash_values(command)),
        "        esac",
        "    fi",
        '    if [ -n "$files" ]; then compopt -o default; return; fi',
        '    case "$cur" in -*) words="$flags" ;; esac',
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")',
        "}",
        f"complete -F _{prog} {prog}",
    ]
    return "\n".join(lines) + "\n"


def _bash_command(command: _Command) -> Iterator[str]:
    files = any(positional.files for positional in command.positionals)
    takes_files = ' case "$cur" in -*) ;; *) files=1 ;; esac' if files else ""
    yield f'{command.name}) flags="{command.flags}" words="{command.words}";{takes_files} ;;'


def _bash_values(command: _Command) -> Iterator[str]:
    for option in command.options:
        if option.takes_value:
            pattern = "|".join(f'"{command.name} {flag}"' for flag in option.flags)
            value = "files=1" if option.files else f'files="" flags="" words="{" ".join(option.words)}"'
            yield f"{pattern}) {value} ;;"


def _zsh(prog: str, commands: Sequence[_Command]) -> str:
    lines = [
        f"#compdef {prog}",
        f"_{prog}() {{",
        "    local -a commands",
        "    commands=(",
        *(f"        {_quoted(c.name + ':' + c.about)}" for c in commands),
        "    )",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
        "    local command=$words[2]",
        "    shift words",
        "    (( CURRENT-- ))",
        "    case $command in",
        *(line for command in commands for line in _zsh_command(command)),
        "    esac",
        "}",
        f'if [ "$funcstack[1]" = "_{prog}" ]; then _{prog} "$@"; else compdef _{prog} {prog}; fi',
    ]
    return "\n".join(lines) + "\n"


def _zsh_command(command: _Command) -> Iterator[str]:
    yield f"    {command.name})"
    specs = [spec for argument in command.arguments for spec in _zsh_specs(argument)]
    yield "        _arguments \\\n" + " \\\n".join(f"            {_quoted(spec)}" for spec in specs)
    yield "        ;;"


def _zsh_specs(argument: _Argument) -> Iterator[str]:
    about = "".join("\\" + c if c in "[]:\\" else c for c in argument.about)
    values = "_files" if argument.files else f"({' '.join(argument.words)})" if argument.words else " "
    if not argument.flags:
        yield f"{'*' if argument.many else ''}:{about}:{values}"
    for flag in argument.flags:
        yield f"{flag}[{about}]" + (f":value:{values}" if argument.takes_value else "")


def _fish(prog: str, commands: Sequence[_Command]) -> str:
    lines = [f"complete -c {prog} -f"]
    for command in commands:
        lines.append(f"complete -c {prog} -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}")
        here = f"complete -c {prog} -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{here} {_fish_argument(argument)}" for argument in command.arguments]
    return "\n".join(lines) + "\n"


def _fish_argument(argument: _Argument) -> str:
    flags = [f"-l {f[2:]}" if f.startswith("--") else f"-s {f[1:]}" for f in argument.flags]
    values = ["-F"] if argument.files else [f"-a {_quoted(' '.join(argument.words))}"] if argument.words else []
    required = (["-r"] if argument.files else ["-x"]) if argument.flags and argument.takes_value else []
    return " ".join([*flags, *required, *values, f"-d {_quoted(argument.about)}"])


def _quoted(text: str) -> str:
    """In single quotes, as all three shells read them the same way."""
    return shlex.quote(text) if "'" not in text else shlex.quote(text.replace("'", "’"))
