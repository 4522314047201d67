"""A person at the identity server's pages: forms read as a browser reads them, and sent with the button that is pressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    import httpx

    from tests.contract.running import Sandbox

CALLBACK = "http://localhost:8000/connections/callback"
APP = ("sandbox-app", "sandbox-secret")
SCOPES = "openid profile email accounting.contacts accounting.settings offline_access"


@dataclass
class Page(HTMLParser):
    """One page with one form at most."""

    response: httpx.Response
    action: str = ""
    method: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)  # hidden, and what is ticked from the start
    choices: dict[str, str] = field(default_factory=dict)  # tenant ids by the text beside them, those open to choose
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)  # by the text on them
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: tuple[str, str] | None = None
        self._into: dict[str, tuple[str, str]] | None = None
        self.feed(self.response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action, self.method = given["action"], given["method"]
        named = (given.get("name", ""), given.get("value", ""))
        if tag == "button":
            self._open = named
        if tag == "input" and given["type"] == "hidden":
            self.fields.append(named)
        if tag == "input" and given["type"] in ("radio", "checkbox") and "disabled" not in given:
            self._open = named
            if "checked" in given:
                self.fields.append(named)

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open is not None and data.strip():
            name, value = self._open
            if name == "tenant":
                self.choices[data.strip()] = value
            else:
                self.buttons[data.strip()] = self._open
            self._open = None


@dataclass
class Browser:
    sandbox: Sandbox

    def address(self, **changes: str | None) -> str:
        """Where an app sends its user; None leaves a parameter out."""
        asked: dict[str, str | None] = {"response_type": "code", "client_id": APP[0], "redirect_uri": CALLBACK}
        asked |= {"scope": SCOPES, "state": "s-1"} | changes
        given = {name: value for name, value in asked.items() if value is not None}
        return f"{self.sandbox.url}/identity/connect/authorize?{urlencode(given)}"

    def open(self, address: str) -> Page:
        return Page(self.sandbox.client.get(address))

    def log_in(self, user: str = "Ada Admin", **changes: str | None) -> Page:
        page = self.open(self.address(**changes))
        assert page.response.status_code == 200, page.text
        return self.press(page, user)

    def press(self, page: Page, button: str, *organisations: str) -> Page:
        sent = [*page.fields, *(("tenant", page.choices[name]) for name in organisations), page.buttons[button]]
        if page.method == "get":
            return self.open(f"{page.action}?{urlencode(sent)}")
        form: dict[str, list[str]] = {}
        for name, value in sent:
            form.setdefault(name, []).append(value)
        return Page(self.sandbox.client.post(page.action, data=form))

    def consent(self, *organisations: str, user: str = "Ada Admin", **changes: str | None) -> dict[str, str]:
        """All the way; what the app is told at its callback."""
        page = self.press(self.log_in(user, **changes), "Allow access", *organisations)
        assert page.response.status_code == 302, page.text
        return told(page)


def told(page: Page) -> dict[str, str]:
    address = urlsplit(page.response.headers["location"])
    assert address.geturl().startswith(CALLBACK)
    return {name: value for name, (value,) in parse_qs(address.query).items()}
