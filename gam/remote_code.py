"""The code of a model as flat files in its folder, from which Hugging Face transformers loads it without gam.

transformers takes files that stand side by side and import each other by relative names, and no folders. So
`from gam.ops.dropout import kept` becomes `from .ops_dropout import kept`. It also asks for every package that a file
imports outside of `try`. So imports of packages for CUDA alone are put into one.
"""

import re
from pathlib import Path

ENTRIES = {"AutoConfig": "configuration_gam.GAMHubConfig", "AutoModelForCausalLM": "modeling_gam.GAMForCausalLM"}
"""The classes that transformers asks for, by file."""
PACKAGE = Path(__file__).parent
OWN = re.compile(r"^( *)from gam\.([\w.]+) import ", re.MULTILINE)
FOR_CUDA = re.compile(r"^( *)((?:from|import) (?:triton|mamba_ssm)\b.*)$", re.MULTILINE)


def flat_files() -> dict[str, str]:
    """Text by name of file: the two that transformers asks for, and all that they import."""
    files: dict[str, str] = {}
    waiting = [entry.split(".")[0] for entry in ENTRIES.values()]
    while waiting:
        module = waiting.pop()
        if flat(module) in files:
            continue
        path = PACKAGE.joinpath(*module.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        text = source.read_text(encoding="utf-8")
        waiting += [found[2] for found in OWN.finditer(text)]
        text = OWN.sub(lambda found: f"{found[1]}from .{flat(found[2]).removesuffix('.py')} import ", text)
        files[flat(module)] = FOR_CUDA.sub(r"\1try:\n\1    \2\n\1finally:\n\1    pass", text)
    return files


def flat(module: str) -> str:
    """The file of a module of gam, which is named without `gam`."""
    return module.replace(".", "_") + ".py"
