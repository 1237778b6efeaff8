"""A Hub of the tests' own on 127.0.0.1: what the client asks of it to stream Parquet, and faults on demand."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

REPOSITORY = "somebody/texts"
REVISION = "0123456789" * 4
FILES = f"/datasets/{REPOSITORY}/resolve/{REVISION}/"
INTERFACE = f"/api/datasets/{REPOSITORY}/"
FOR_EVER = 10**9
JSON = {"Content-Type": "application/json"}
BREATH = 0.05
"""Seconds between two bytes of a server that trickles: no wait for the next one is ever long."""
HEADERS = {
    403: {"X-Error-Code": "GatedRepo"},
    404: {"X-Error-Code": "RepoNotFound"},
    429: {"Retry-After": "1"},
}
"""What the Hub says beside a status."""


@dataclass(frozen=True)
class Fault:
    """What happens to `times` requests of which method and path, such as `GET /api/...`, hold `where`."""

    kind: int | Literal["drop", "short", "hang", "trickle", "changed"]
    """A status, or: drop ends the connection half-way, short calls half of the content all of it, hang never answers,
    trickle answers byte by byte, changed serves other files."""
    where: str = ""
    times: int = FOR_EVER
    skip: int = 0
    """How many of these requests are answered well before."""


@dataclass
class FakeHub:
    """What is served, what goes wrong, and what was asked for."""

    endpoint: str
    files: dict[str, bytes]
    changed: dict[str, bytes]
    fault: Fault | None = None
    asked: list[tuple[float, str]] = field(default_factory=list)
    """Seconds on a clock, and the request, of each that the fault is about."""
    closed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, request: str) -> int | str | None:
        """The kind of fault that this request meets."""
        with self.lock:
            if self.fault is None or self.fault.where not in request:
                return None
            self.asked.append((time.monotonic(), request))
            return self.fault.kind if 0 < len(self.asked) - self.fault.skip <= self.fault.times else None


@contextmanager
def serve(files: dict[str, bytes], changed: dict[str, bytes]) -> Iterator[FakeHub]:
    """Serve the files as revision REVISION of the data set REPOSITORY, and nothing else, while the block runs."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.hub = FakeHub(f"http://127.0.0.1:{server.server_port}", files, changed)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.hub
        finally:
            server.hub.closed.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    hub: FakeHub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        kind = self.server.hub.strike(f"{self.command} {path}")
        files = self.server.hub.changed if kind == "changed" else self.server.hub.files
        try:
            if isinstance(kind, int):
                self._answer(kind, b"", HEADERS.get(kind, {}), None)
            elif kind == "hang":
                self.server.hub.closed.wait()
            elif path.startswith(FILES) and (name := path.removeprefix(FILES)) in files:
                self._send_file(files[name], kind)
            elif path.startswith(f"{INTERFACE}tree/{REVISION}"):
                folder = Path(path).relative_to(f"{INTERFACE}tree/{REVISION}")
                self._answer(200, json.dumps(_listing(files, folder)).encode(), JSON, kind)
            elif path == f"{INTERFACE}revision/{REVISION}":
                self._answer(200, json.dumps({"id": REPOSITORY, "sha": REVISION}).encode(), JSON, kind)
            else:
                known = REVISION in path and REPOSITORY in path
                self._answer(404, b"", {"X-Error-Code": "EntryNotFound"} if known else HEADERS[404], None)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client was ended

    def _send_file(self, content: bytes, kind: str | None) -> None:
        headers = {"ETag": f'"{sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        if asked := self.headers.get("Range"):
            first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
            headers["Content-Range"] = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
            self._answer(206, content[first : last + 1], headers, kind)
        else:
            self._answer(200, content, headers, kind)

    def _answer(self, status: int, content: bytes, headers: dict[str, str], kind: str | None) -> None:
        half = content[: len(content) // 2]
        self.send_response(status)
        for key, value in {**headers, "X-Repo-Commit": REVISION}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(half if kind == "short" else content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind == "trickle":
            for at in range(len(content)):
                self.wfile.write(content[at : at + 1])
                time.sleep(BREATH)
        elif kind in ("drop", "short"):
            self.wfile.write(half)
            self.close_connection = kind == "drop"
        else:
            self.wfile.write(content)


def _listing(files: dict[str, bytes], folder: Path) -> list[dict[str, object]]:
    """What stands in a folder of the data set, as the Hub says it."""
    inside = [(Path(name), len(content)) for name, content in files.items() if folder in Path(name).parents]
    below = {file.parent for file, _ in inside if file.parent.parent == folder} - {folder}
    listed = [(file, size, "file") for file, size in inside if file.parent == folder]
    return [
        {"type": kind, "path": str(path), "size": size, "oid": "0" * 40}
        for path, size, kind in [*listed, *((path, 0, "directory") for path in below)]
    ]
