"""Mistakes of the user end a stage with one line on stderr and exit code 2; bugs show their traceback."""

import errno
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import NoReturn

REMEDIES = {
    errno.ENOSPC: "free some space and run again, nothing that was there is lost",
    errno.EDQUOT: "free some space and run again, nothing that was there is lost",
    errno.EACCES: "make it readable and writable for this user",
    errno.EPERM: "make it readable and writable for this user",
    errno.EROFS: "work on a file system that can be written",
}
"""What to do about failures of the file system that are nobody's bug."""


class UserError(Exception):
    """What is wrong, which field, file or data set it is about, and what to do, in one line."""


def exit_cleanly(main: Callable[[], None]) -> None:
    """Run a stage's main function; a mistake of the user, or of the machine, becomes one line and exit code 2."""
    try:
        main()
    except UserError as error:
        _say_and_exit(str(error))
    except OSError as error:
        if error.errno not in REMEDIES:
            raise
        _say_and_exit(f"{error.filename or 'a file'}: {error.strerror}: {REMEDIES[error.errno]}")
    except KeyboardInterrupt:
        print("stopped by SIGINT: the same command starts again", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


def _say_and_exit(message: str) -> NoReturn:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


def require_one_of(kind: str, name: str, known: Iterable[str], home: str) -> None:
    """Raise UserError unless `name` is one of the `known` names of that kind, which stand in `home`."""
    names = list(known)
    if name not in names:
        raise UserError(f"unknown {kind} {name!r}{did_you_mean(name, names)}; {home} has {', '.join(names)}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A half sentence that offers the closest known word, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
