"""Texts as people compare them."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """The text without regard to case, accents, and spaces at its ends or doubled: two names that fold alike are one name to a ledger."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(one for one in decomposed if not unicodedata.combining(one))
    return " ".join(text.casefold().split())
