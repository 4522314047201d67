"""JSON as we keep it: sorted, compact, nothing escaped that need not be, so that equal values are equal texts.

An import writes and reads a dozen such texts for each record, with which the standard library takes six times as long as msgspec.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec


def as_text(value: object) -> str:
    """For msgspec: what it does not know by itself. Raises ``TypeError``."""
    if isinstance(value, str):
        return str(value)  # of a class of its own, which msgspec does not look through
    raise TypeError(f"{value!r} has no form in JSON")


_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=as_text).encode
_encode_anything: Final = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


def encoded(value: Any) -> str:
    """Raises ``TypeError`` for what JSON has no form for."""
    return _encode(value).decode()


def encoded_anyhow(value: Any) -> bytes:
    """To be compared, never to be read again: what JSON has no form for is told by its ``str``."""
    return _encode_anything(value)


def decoded(text: str) -> Any:
    return msgspec.json.decode(text)
