"""Pages for people: rendered here, with nothing that comes from anywhere else."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

HTML: Final = "text/html"
_FOLDER: Final = Path(__file__).parent


def rendered(name: str, **values: Any) -> bytes:
    text: str = _template(name).render(**values)
    return text.encode()


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_FOLDER)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


@cache
def policy(page: str) -> str:
    """A Content-Security-Policy: the page's own script and style, and questions to this host; nothing else."""
    rest = "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return "; ".join([rest, *(_own(page, tag) for tag in ("script", "style") if f"<{tag}>" in page)])


def _own(page: str, tag: str) -> str:
    found = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    assert found is not None
    return f"{tag}-src 'sha256-{b64encode(sha256(found[1].encode()).digest()).decode()}'"
