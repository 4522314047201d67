"""The pages that a person clicks through at the identity server. No script, no cookie: everything is in the address and
the forms, so that a test can do what a browser does."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plugins.xero.sandbox.errors import OAuthError
from plugins.xero.sandbox.messages import HTML, Answer
from plugins.xero.sandbox.users import User

if TYPE_CHECKING:
    from plugins.xero.sandbox.authorise import Asked, Choice

FOLDER = Path(__file__).parent / "templates"
# Xero's log-in refuses to be framed (API facts 1.2). No form-action: browsers hold redirects against it too.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def login(app_name: str, users: Sequence[User], question: Mapping[str, str]) -> Answer:
    return _page(200, "login.html", app_name=app_name, users=users, question=question)


def consent(
    asked: "Asked", user: User, choices: "Sequence[Choice]", question: Mapping[str, str], mistake: str
) -> Answer:
    status = 400 if mistake else 200
    return _page(status, "consent.html", asked=asked, user=user, choices=choices, question=question, mistake=mistake)


def mistake(wrong: OAuthError) -> Answer:
    return _page(400, "mistake.html", error=wrong.error, why=wrong.why)


def _page(status: int, template: str, **shown: Any) -> Answer:
    return Answer(status, _environment().get_template(template).render(shown).encode(), HTML, HEADERS)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
