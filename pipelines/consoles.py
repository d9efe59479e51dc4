"""Where commands write: as wide as the terminal, and never cut where a file or program reads."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 400
"""Characters a line may have where there is no terminal to fit into."""


def output() -> Console:
    """The console of a command."""
    return Console(width=None if sys.stdout.isatty() else WIDE)
