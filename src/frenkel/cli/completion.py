"""The command ``frenkel completion``."""

# Imports inside functions keep argcomplete from loading for other commands.

import argparse
from typing import Any

from .common import Option, add


def add_commands(commands: Any) -> None:
    """Add "completion" to the parser of commands."""
    add(
        commands,
        "completion",
        _completion,
        "print the completion script of a shell: commands, options, names and files",
        'eval "$(frenkel completion bash)"            in ~/.bashrc\n'
        '  eval "$(frenkel completion zsh)"             in ~/.zshrc, after compinit\n'
        "  frenkel completion fish | source             in ~/.config/fish/config.fish",
        Option("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish"),
    )


def _completion(options: argparse.Namespace) -> None:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["frenkel"], shell=options.shell))
