"""Who saves is answered before what was saved is sent."""

from __future__ import annotations

from contextvars import copy_context
from threading import Thread

import pytest

from host.waking import answering_first, wake


def test_outside_of_a_request_a_wake_is_not_held() -> None:
    woken: list[str] = []
    wake(lambda: woken.append("now"))
    assert woken == ["now"]


def test_wakes_wait_for_the_answer_and_come_once_whichever_thread_asked() -> None:
    order: list[str] = []

    def waking() -> None:
        order.append("woken")

    with answering_first():
        thread = Thread(target=copy_context().run, args=(wake, waking))
        thread.start()
        thread.join()
        wake(waking)
        order.append("answered")

    assert order == ["answered", "woken"]


def test_a_wake_comes_also_where_the_answer_can_not_be_delivered() -> None:
    woken: list[str] = []

    def deliver() -> None:
        with answering_first():
            wake(lambda: woken.append("woken"))
            raise OSError("the client has gone")

    with pytest.raises(OSError, match="gone"):
        deliver()
    assert woken == ["woken"]
