"""What else this machine does, and what it leaves to us."""

import psutil


def busy_share(seconds: float) -> float | None:
    """Share of the machine's processors that others keep busy while this process sleeps; None where nothing tells."""
    try:
        return psutil.cpu_percent(interval=seconds) / 100
    except (OSError, psutil.Error):
        return None


def free_gib() -> float:
    """Memory that processes can have before the machine begins to swap or to kill."""
    return psutil.virtual_memory().available / 2**30
