"""What else this machine does."""

import psutil


def busy_share(seconds: float) -> float | None:
    """Share of the machine's processors that others keep busy while this process sleeps; None where nothing tells."""
    try:
        return psutil.cpu_percent(interval=seconds) / 100
    except (OSError, psutil.Error):
        return None
