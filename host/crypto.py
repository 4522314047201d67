"""Secrets at rest: sealed with the installation's key. API tokens and passwords: kept only as hashes."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidKey
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from host.db.types import Ciphertext
from host.errors import AskPerson, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

OUR_PREFIX: Final = "cf_"
_SHOWN: Final = len(OUR_PREFIX) + 6


def generate_key() -> str:
    """A new key for ``[host] secret_key``."""
    return Fernet.generate_key().decode()


class Vault:
    """Seals secrets before they are stored. The first key seals, all of them open: put a new key first to rotate."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise Stop(
                "[host] secret_key is not a key: it takes 32 random bytes in URL-safe base64, as `counterfoil init` writes them"
            ) from error

    def __repr__(self) -> str:
        return "Vault(***)"

    def seal(self, secret: str) -> Ciphertext:
        return Ciphertext(self._fernet.encrypt(secret.encode()))

    def open(self, sealed: Ciphertext) -> str:
        """The secret again. Raises ``AskPerson`` where no key of ours sealed it: the key was lost or changed."""
        try:
            return self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise AskPerson(
                "the stored secret was sealed with a key that [host] secret_key does not have: reconnect, or put that key back"
            ) from error


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made: ``text`` is shown once, ``shown`` names it in lists, ``hashed`` is what is kept."""

    text: str
    shown: str
    hashed: str

    def __repr__(self) -> str:
        return f"NewToken({self.shown}…)"


def new_token() -> NewToken:
    """An API token: 32 random bytes, so that a plain hash is enough to keep."""
    text = OUR_PREFIX + secrets.token_urlsafe(32)
    return NewToken(text=text, shown=text[:_SHOWN], hashed=hash_token(text))


def hash_token(text: str) -> str:
    """What is kept of a token, and looked up when somebody shows one."""
    return sha256(text.encode()).hexdigest()


# RFC 9106's choice where memory is not plentiful: 64 MiB for a quarter of a second, so that guessing is dear and logging in is not.
_ITERATIONS: Final = 3
_LANES: Final = 4
_MEMORY_KIB: Final = 64 * 1024


def hash_password(password: str) -> str:
    """What is kept of a password: Argon2id, with its salt and parameters in the text."""
    argon = Argon2id(salt=os.urandom(16), length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return argon.derive_phc_encoded(password.encode())


def password_fits(password: str, hashed: str) -> bool:
    """Whether this is the password that was hashed."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), hashed)
    except InvalidKey:
        return False
    return True
