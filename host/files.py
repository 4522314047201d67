"""Files that hold secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_files(texts: Mapping[Path, str]) -> None:
    """New files, for the owner alone: all of them or none."""
    made: list[Path] = []
    try:
        for path, text in texts.items():
            # Made in one step: nobody can have opened it before the mode was right.
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            made.append(path)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError:
        for path in made:
            path.unlink(missing_ok=True)
        raise
