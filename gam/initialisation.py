"""Initialisation `normal`: every matrix from one normal distribution, whatever the layer."""

from hashlib import sha256

import torch
from torch import nn

KEPT = ("A_log", "dt_proj.weight", "dt_proj.bias")
"""Mamba's parameters that start as published: they set how long its state lasts."""


def upcoming_seed() -> int:
    """A number from the state of torch's CPU generator, which it leaves as it is."""
    generator = torch.Generator()
    generator.set_state(torch.get_rng_state())
    return int(torch.randint(2**63 - 1, (), generator=generator, device="cpu"))


@torch.no_grad()
def draw_matrices(model: nn.Module, std: float, seed: int) -> None:
    """Draw all matrices of a model that is initialised as published from normal(0, std), and set biases to zero.

    A matrix is a parameter of two dimensions: the weights of linear layers, the memory bank, the positions, and the
    embedding that is also the head, which is drawn once. No layer's matrix is scaled by depth or by its size. KEPT,
    the weights of norms (ones), Mamba's D (ones) and the taps of convolutions stay as they are: taps are a few numbers
    for each channel, and no matrix.

    Each matrix is drawn in float32 on the CPU by a generator of its own, whose seed follows from `seed` and the
    parameter's name. So neither the order of the layers nor the device changes it, and two models have the same
    numbers in a matrix of the same name and shape.
    """
    for name, parameter in model.named_parameters():
        if name.endswith(KEPT):
            continue
        if parameter.dim() == 2:
            own_seed = int.from_bytes(sha256(f"{seed} {name}".encode()).digest()[:8], "big")
            generator = torch.Generator().manual_seed(own_seed)
            drawn = torch.empty(parameter.shape, dtype=torch.float32, device="cpu")
            parameter.copy_(drawn.normal_(0.0, std, generator=generator))
        elif name.endswith("bias"):
            parameter.zero_()
