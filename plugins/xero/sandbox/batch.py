"""Writes of one or many elements: each is saved or refused by itself, then the batch answers as asked (API facts 3.4)."""

from collections.abc import Callable
from dataclasses import dataclass

from plugins.xero.sandbox.call import Call, exception_answer
from plugins.xero.sandbox.errors import VALIDATION, ApiException, ElementRefused, ElementsRefused
from plugins.xero.sandbox.messages import Answer, Incoming, internal_error
from plugins.xero.sandbox.wire import Doc


@dataclass(frozen=True)
class Writer:
    """How one kind is written: `save` gives the reply's element or raises ElementRefused; `echo` gives a refused one
    back as it was submitted. `flag` is the member that says whether it was refused; items have none."""

    plural: str
    save: Callable[[Call, Doc], Doc]
    echo: Callable[[Call, Doc], Doc]
    flag: str | None


def write(call: Call, writer: Writer, elements: list[Doc]) -> Answer:
    replies: list[Doc] = []
    refused: list[Doc] = []
    for element in elements:
        if call.breaks_after == len(replies):
            return internal_error()  # a fault: what was saved so far stays saved
        reply, accepted = _written(call, writer, element)
        replies.append(reply)
        if not accepted:
            refused.append(reply)
    if call.breaks_after is not None:
        return internal_error()
    if refused and call.summarize:
        return _refuse_batch(call, refused)
    return call.reply(writer.plural, replies)


def _written(call: Call, writer: Writer, element: Doc) -> tuple[Doc, bool]:
    try:
        with call.store.savepoint():
            reply = writer.save(call, element)
    except ElementRefused as problem:
        call.contacts.clear()  # what the element changed on its way was rolled back
        return _marked(call, writer, writer.echo(call, element), problem.messages), False
    if not call.summarize:
        reply["StatusAttributeString"] = "WARNING" if reply.get("Warnings") else "OK"
    return reply, True


def _marked(call: Call, writer: Writer, reply: Doc, messages: list[str]) -> Doc:
    if writer.flag is not None:
        reply[writer.flag] = True
    if not call.summarize:
        reply["StatusAttributeString"] = "ERROR"
    reply["ValidationErrors"] = [{"Message": message} for message in messages]
    return reply


def _refuse_batch(call: Call, refused: list[Doc]) -> Answer:
    if call.switches["batch_atomic"]:
        raise ElementsRefused(refused)
    return elements_answer(call.incoming, refused)


def elements_answer(incoming: Incoming, refused: list[Doc]) -> Answer:
    return exception_answer(incoming, ApiException(400, *VALIDATION, "A validation exception occurred"), refused)
