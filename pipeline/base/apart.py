"""A function in a process of its own, whose memory and allocator are nobody else's."""

import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any, ParamSpec, TypeVar

from pipeline.base.errors import UserError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class KilledError(Exception):
    """Something killed the process: the kernel does where memory runs out."""


def call_apart(
    context: ForkServerContext | SpawnContext,
    function: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """What `function(*args)` gives in a new process, which ends with it.

    Raises the UserError that it raised, KilledError where it was killed, and RuntimeError where it died in another way;
    its traceback is on stderr.
    """
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call_and_send, args=(sender, function, args, kwargs), daemon=True)
    process.start()
    sender.close()
    try:
        error, result = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode == -signal.SIGKILL:
            raise KilledError from None
        raise RuntimeError(f"{function.__name__} died in its process with exit code {process.exitcode}") from None
    process.join()
    if error is not None:
        raise UserError(error)
    answer: Result = result
    return answer


def _call_and_send(sender: "Connection[Any, Any]", function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    try:
        sender.send((None, function(*args, **kwargs)))
    except UserError as error:
        sender.send((str(error), None))
