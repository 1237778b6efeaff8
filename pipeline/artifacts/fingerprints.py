"""Fingerprints: files of numbers that stay as they are, byte for byte, as long as the code computes the same."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base.errors import UserError
from pipeline.base.files import read_json, write_json

TOLERANCE = 1e-4
"""Two fingerprints agree where all numbers do within this share of the largest of their list."""


def keep_or_write(path: Path, computed: dict[str, Any]) -> None:
    """Write `computed`, unless what is there agrees with it: then the file stays as it is."""
    try:
        if agrees(read_json(path), computed):
            return
    except UserError:
        pass  # missing or damaged
    write_json(path, computed)


def agrees(stored: Any, computed: Any) -> bool:
    """Whether two fingerprints have the same shape, and the same numbers within TOLERANCE."""
    if isinstance(computed, dict):
        same_keys = isinstance(stored, dict) and stored.keys() == computed.keys()
        return same_keys and all(agrees(stored[key], computed[key]) for key in computed)
    ours, theirs = np.atleast_1d(np.array(computed)), np.atleast_1d(np.array(stored))
    if ours.shape != theirs.shape or theirs.dtype.kind not in "if":
        return False
    return bool(np.abs(ours - theirs).max(initial=0) <= TOLERANCE * np.abs(ours).max(initial=0))
