"""What NVIDIA's own command says of a GPU, without torch, which takes seconds to load."""

import subprocess


def ask(gpu: str | None, *fields: str) -> dict[str, str]:
    """What nvidia-smi says of a GPU, by name, number or UUID; of the first one for None. Empty where it says nothing.

    The fields are those of `nvidia-smi --help-query-gpu`. This process does not touch the GPU.
    """
    which = [] if gpu is None else [f"--id={gpu}"]
    command = ["nvidia-smi", *which, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        values = done.stdout.splitlines()[0].split(", ")
    except (OSError, subprocess.SubprocessError, IndexError):
        return {}
    return dict(zip(fields, values, strict=False))
