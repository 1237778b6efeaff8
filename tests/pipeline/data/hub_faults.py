"""What goes wrong with a Hub: what a download survives, and what ends with a refusal."""

import pytest

from tests.pipeline.data.hub_server import Fault

SOON = 3.0
"""Seconds after which a download is given up, and where it is known to hang: more than the first requests take."""
FILE, CARD_FILE, ABOUT, LIST = ".parquet", "README.md", "/revision/", "/tree/"
"""What requests for rows, for the card, for the data set itself, and for its list of files hold in their paths."""
REQUESTS = 7
"""How many times the client asks for the same, at most, before it gives up."""
CONTENT = 1
"""The first request for a Parquet file is for its footer."""
FIRST_ROWS = 4
"""After so many requests some rows have gone on to the disk, which a new attempt must not bring again."""
PASSING = [
    pytest.param(Fault(500, FILE, times=2), id="500 twice"),
    pytest.param(Fault(503, FILE, times=2, skip=CONTENT), id="503 twice, in the content"),
    pytest.param(Fault(429, FILE, times=2), id="429 twice"),
    pytest.param(Fault("drop", FILE, times=2, skip=CONTENT), id="dropped twice, in the content"),
    pytest.param(Fault("short", FILE, times=1, skip=CONTENT), id="half of the content once"),
    pytest.param(Fault("hang", FILE, times=1), id="no answer once"),
    pytest.param(Fault(500, CARD_FILE, times=REQUESTS), id="500 until the client gives up"),
    pytest.param(Fault(500, FILE, times=REQUESTS, skip=FIRST_ROWS), id="500 until it gives up, after some rows"),
    pytest.param(Fault(500, ABOUT, times=2), id="500 twice, where the client gives up at once"),
    pytest.param(Fault("drop", ABOUT, times=2), id="dropped twice, where the client gives up at once"),
]
"""Faults that a download survives."""
LASTING = [
    pytest.param(Fault(500, FILE), "Server error '500", id="500 for ever"),
    pytest.param(Fault(429, FILE), "429 Too Many Requests", id="429 for ever"),
    pytest.param(Fault("drop", FILE, skip=CONTENT), "peer closed connection", id="dropped for ever, in the content"),
    pytest.param(Fault("short", FILE, times=1), "Parquet magic bytes not found", id="half of the footer"),
    pytest.param(
        Fault("short", FILE, skip=CONTENT), "Parquet magic bytes not found", id="half of the content for ever"
    ),
    pytest.param(Fault("hang"), f"not in {SOON:g} seconds", id="no answer, from the first request"),
    pytest.param(Fault("hang", LIST), f"not in {SOON:g} seconds", id="no answer, where the client waits for ever"),
    pytest.param(Fault("trickle", FILE), f"not in {SOON:g} seconds", id="byte by byte"),
    pytest.param(Fault(404), "doesn't exist on the Hub", id="404"),
    pytest.param(Fault(404, FILE), "404", id="404 of a file"),
    pytest.param(Fault(403), "gated", id="gated"),
    pytest.param(Fault("changed"), "params.yaml expects", id="changed file"),
]
"""Faults that end with a refusal, and what it says."""
FAULTS = [*PASSING, *LASTING]
