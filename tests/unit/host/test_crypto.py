"""Secrets at rest, and tokens."""

from __future__ import annotations

import pytest

from host.crypto import Vault, generate_key, hash_token, new_token
from host.errors import AskPerson, Stop
from host.words import cut_tokens


def test_a_secret_comes_back_and_does_not_show() -> None:
    key = generate_key()
    vault = Vault([key])
    sealed = vault.seal("s3cret ü")
    assert vault.open(sealed) == "s3cret ü"
    assert b"s3cret" not in bytes(sealed)
    assert vault.seal("s3cret ü") != sealed
    assert key not in repr(vault)


def test_keys_rotate() -> None:
    old, new = generate_key(), generate_key()
    sealed = Vault([old]).seal("secret")
    rotated = Vault([new, old])
    assert rotated.open(sealed) == "secret"
    assert Vault([new]).open(rotated.seal("secret")) == "secret"


def test_a_lost_key_means_reconnect() -> None:
    sealed = Vault([generate_key()]).seal("secret")
    with pytest.raises(AskPerson, match="reconnect, or put that key back") as raised:
        Vault([generate_key()]).open(sealed)
    assert "secret was sealed" in str(raised.value)


@pytest.mark.parametrize("keys", [["short"], ["ü" * 44], [""], []])
def test_what_is_no_key_is_refused_without_showing_it(keys: list[str]) -> None:
    with pytest.raises(Stop, match=r"\[host\] secret_key is not a key: it takes 32 random bytes") as raised:
        Vault(keys)
    assert not any(key and key in str(raised.value) for key in keys)


def test_a_token_is_kept_as_its_hash() -> None:
    token = new_token()
    assert token.text.startswith(token.shown)
    assert token.shown.startswith("cf_")
    assert len(token.text) == 46
    assert hash_token(token.text) == token.hashed
    assert token.text not in repr(token)
    assert token.text[9:] not in token.hashed + token.shown
    assert new_token().text != token.text


def test_what_people_type_is_told_without_their_tokens() -> None:
    tokens = [new_token() for _ in range(20)]
    typed = " ".join(f"counterfoil token revoke {token.text}" for token in tokens)
    assert cut_tokens(typed) == " ".join(f"counterfoil token revoke {token.shown}…" for token in tokens)
