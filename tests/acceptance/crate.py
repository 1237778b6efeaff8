"""`make crate`: whether ro-crate-metadata.json is a valid research object crate, by the validator of such crates.

Run by the Python of docker/tools.lock, where that validator is. It needs no network: what the file's terms mean, which
its first line refers to by an address, is read from the copy that the package rocrate has.
"""

import sys
from io import BytesIO
from pathlib import Path

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from rocrate_validator.models import ValidationSettings
from rocrate_validator.services import validate
from rocrate_validator.utils.http import HttpRequester

CONTEXT = "https://w3id.org/ro/crate/1.3/context"


class Shelf(BaseAdapter):
    """Answers a request for the context from a file, and no other."""

    def __init__(self, context: Path) -> None:
        super().__init__()
        self.context = context

    def send(self, request: PreparedRequest, **_: object) -> Response:
        response = Response()
        response.url, response.status_code = str(request.url), 200 if request.url == CONTEXT else 404
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = BytesIO(self.context.read_bytes() if request.url == CONTEXT else b"")
        return response

    def close(self) -> None:
        pass


def main() -> None:
    context = Path(sys.argv[1])
    settings = ValidationSettings(rocrate_uri=".", profile_identifier="ro-crate-1.3", no_cache=True)
    HttpRequester().session.mount("https://", Shelf(context))
    issues = validate(settings).get_issues()
    sys.exit("\n".join(f"{issue.violatingEntity}: {issue.message}" for issue in issues) or 0)


if __name__ == "__main__":
    main()
