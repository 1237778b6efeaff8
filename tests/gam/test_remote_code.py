"""The flat copy of gam: it is whole, and asks for nothing that is not everywhere."""

import ast
import sys
from collections.abc import Iterator

from gam.remote_code import ENTRIES, flat_files

FILES = flat_files()
EVERYWHERE = {"torch", "transformers"} | sys.stdlib_module_names


def imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those that transformers looks at: wherever they stand, but not in a `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not isinstance(child, ast.Try):
            yield from imports(child)


def test_each_file_imports_what_is_there() -> None:
    for name, text in FILES.items():
        for node in imports(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                assert f"{node.module}.py" in FILES, name
            else:
                named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
                assert {each.split(".")[0] for each in named} <= EVERYWHERE, name


def test_it_has_the_classes_that_it_names_and_all_blocks() -> None:
    for entry in ENTRIES.values():
        module, name = entry.split(".")
        assert f"\nclass {name}(" in FILES[f"{module}.py"]
    assert {"blocks_gam.py", "blocks_transformer.py", "blocks_mamba.py", "blocks_gated_slots.py"} <= FILES.keys()
    assert not {"__main__.py", "pretrained.py", "remote_code.py", "harness.py"} & FILES.keys()
