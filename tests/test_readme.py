"""The README keeps its word."""

import re
import subprocess
import sys

from pipeline.quickstart import HOUSE

README = (HOUSE / "README.md").read_text(encoding="utf-8")


def test_example_runs_as_it_stands() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("22,599,680 parameters, logits (2, 256, 10000), loss ")


def test_every_file_of_the_tree_exists_and_is_named() -> None:
    (tree,) = re.findall(r"## What lies where\n\n```\n(.*?)```", README, re.DOTALL)
    named = set(re.findall(r"\b[a-z_]+\.(?:py|yaml)\b", tree))
    there = {file.name for folder in ("gam", "pipeline") for file in (HOUSE / folder).rglob("*.py")}
    there |= {"params.yaml", "dvc.yaml", "published.yaml"}
    unnamed = {"__init__.py", "feed_forward.py", "causal_convolution.py", "memory_retrieval.py", "selective_scan.py"}
    unnamed |= {
        "attention.py",
        "autocast.py",
        "cross_entropy.py",
        "dropout.py",
        "mamba_kernels.py",
        "published.py",
        "table.py",
    }
    assert named <= there
    assert there - named <= unnamed


def test_make_targets() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    for target in {"".join(pair) for pair in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", README, re.MULTILINE)}:
        assert re.search(rf"^([a-z-]+ )*{target}( [a-z-]+)*:", makefile, re.MULTILINE), target
