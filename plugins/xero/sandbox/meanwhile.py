"""What somebody else does in Xero while a program works: right after a certain call of its was answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Happening:
    """`act` is one of the control interface's own deeds; `address` is looked for in path and query."""

    method: re.Pattern[str]
    address: re.Pattern[str]
    deed: str
    body: dict[str, Any]
    act: Callable[[], Any]
    remaining: int
    told: list[str] = field(default_factory=list)  # what went wrong, if anything did

    def matches(self, method: str, address: str) -> bool:
        return bool(self.remaining and self.method.search(method) and self.address.search(address))

    def shown(self) -> dict[str, Any]:
        patterns = {"method": self.method.pattern, "address": self.address.pattern}
        return patterns | {"do": self.deed, "with": self.body, "times": self.remaining, "errors": self.told}


class Meanwhile:
    def __init__(self) -> None:
        self.happenings: list[Happening] = []

    def clear(self) -> None:
        self.happenings.clear()

    def take(self, method: str, address: str) -> list[Happening]:
        due = [happening for happening in self.happenings if happening.matches(method, address)]
        for happening in due:
            happening.remaining -= 1
        return due
