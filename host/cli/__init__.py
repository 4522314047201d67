"""The command line. Every module of this package is a command of its name (``import_`` is ``import``) and has an ``app``; ``base`` is what they share."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The program ``counterfoil``."""
    import gc
    import sys

    # What is imported stays: to look for garbage among it after every 700 objects takes a tenth of a start.
    gc.set_threshold(20_000, 10, 10)

    from host.cli.base.runner import run

    sys.exit(run(sys.argv[1:]))
