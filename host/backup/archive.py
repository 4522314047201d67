"""The file that a backup is: made whole or not at all, and read with every byte checked."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from host.backup.manifest import Manifest, read_manifest
from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST: Final = "manifest.json"
KEY: Final = "secret-{}.key"
PACKED: Final = {".dump"}
"""What is compressed already."""
# A database shrinks to a fifth at the quickest level, and hardly further at any other.
QUICK: Final = 1
NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


@contextmanager
def workshop(file: Path) -> Iterator[Path]:
    """A folder beside ``file`` for what is not finished, gone at the end; what a killed backup left in it is thrown away.

    Beside it, because only there a finished file is moved in one step, and because an operator chose that disk for something of this size.
    """
    folder = file.with_name(f"{file.name}.partial")
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
    except BlockingIOError:
        os.close(descriptor)
        raise Stop(f"another process is making {file}: wait until it has finished") from None
    try:
        _empty(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()


def pack(folder: Path, database: Path, manifest: Manifest, keys: Mapping[str, str]) -> Path:
    """A zip file of all this, whole and on the disk."""
    path = folder / "archive"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICK) as archive:
            archive.writestr(MANIFEST, manifest.text())
            for name, key in keys.items():
                archive.writestr(name, f"{key}\n")
            archive.write(database, database.name, zipfile.ZIP_STORED if database.suffix in PACKED else None)
        file.flush()
        os.fsync(file.fileno())
    return path


def publish(made: Path, file: Path) -> None:
    """Give a finished file its name; never takes another's."""
    try:
        os.link(made, file)
    except FileExistsError:
        raise Stop(in_the_way(file)) from None
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # Some network and memory-stick file systems know no links; nobody else makes this name: we hold its workshop.
        if file.exists():
            raise Stop(in_the_way(file)) from None
        made.rename(file)
    sync_folder(file.parent)


def in_the_way(file: Path) -> str:
    return f"{file} exists already: it is not overwritten; choose another name, or remove it"


def sync_folder(folder: Path) -> None:
    """A name that was just given is still there after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Archive:
    """A backup that is read. Raises ``Stop`` for a file that is none, was cut short or spoilt."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._whole() as archive:
            self.manifest = read_manifest(archive.read(MANIFEST).decode())
            self.keys = [archive.read(KEY.format(number + 1)).decode().strip() for number in range(self.manifest.keys)]

    def extract(self, name: str, target: Path) -> None:
        """Write one of its files to ``target``, for the owner alone."""
        with (
            self._whole() as archive,
            archive.open(name) as source,
            os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as copy,
        ):
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())

    @contextmanager
    def _whole(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.file) as archive:
                yield archive
        except FileNotFoundError as error:
            if error.filename is not None and Path(error.filename) != self.file:
                raise
            raise Stop(f"the file {self.file} does not exist") from None
        except KeyError as error:
            raise Stop(f"{self.file} is not a backup of Counterfoil: {error.args[0]}") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
            raise Stop(f"{self.file} is not a backup, or was cut short or spoilt: {error}") from error
        except Stop as error:
            raise Stop(f"{self.file} cannot be put back: {error}") from error
