"""Who logs in to this Xero: people with an e-mail address and organisations of their own. Nobody has a password."""

from dataclasses import astuple, dataclass
from uuid import uuid4

from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.wire import dumps, loads

STANDARD, READ_ONLY = ROLES = ("standard", "read_only")


@dataclass(frozen=True)
class User:
    """Without `organisations` (their numbers in the store) somebody who is in every one, later ones included. Who has
    the role read_only may look and not write."""

    user_id: str
    email: str
    given_name: str
    family_name: str
    organisations: tuple[int, ...] | None = None
    role: str = STANDARD

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    def is_in(self, org: int) -> bool:
        return self.organisations is None or org in self.organisations


ADA = User("6f0c3f0e-6a55-4b7e-9b53-8a7d4a1c0001", "ada@example.com", "Ada", "Admin")
BEN = User("6f0c3f0e-6a55-4b7e-9b53-8a7d4a1c0002", "ben@example.com", "Ben", "Bookkeeper")
AT_THE_START = (ADA, BEN)


class Users:
    def __init__(self, store: Store) -> None:
        self.store = store

    def begin(self) -> None:
        for user in AT_THE_START:
            if self.known(user.user_id) is None:
                self.save(user)

    def reset(self) -> None:
        self.store.sql.execute("DELETE FROM user")
        self.begin()

    def all(self) -> list[User]:
        rows = self.store.sql.execute("SELECT body FROM user ORDER BY rowid")
        return [_read(row["body"]) for row in rows]

    def known(self, user_id: str) -> User | None:
        row = self.store.sql.execute("SELECT body FROM user WHERE user_id = ?", (user_id,)).fetchone()
        return None if row is None else _read(row["body"])

    def named(self, given: str) -> User | None:
        """By id or by e-mail address."""
        wanted = given.strip().lower()
        return next((user for user in self.all() if wanted in (user.user_id, user.email.lower())), None)

    def new(self, email: str, given_name: str, family_name: str) -> User:
        if "@" not in email:
            raise ValueError(f"email must be an e-mail address, not {email!r}")
        if self.named(email) is not None:
            raise ValueError(f"there is a user {email} already")
        return User(str(uuid4()), email, given_name, family_name)

    def save(self, user: User) -> None:
        body = dumps(astuple(user))
        self.store.sql.execute(
            "INSERT INTO user (user_id, body) VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET body = excluded.body",
            (user.user_id, body),
        )


def _read(body: str) -> User:
    user_id, email, given_name, family_name, organisations, role = loads(body)
    known_in = None if organisations is None else tuple(organisations)
    return User(user_id, email, given_name, family_name, known_in, role)
