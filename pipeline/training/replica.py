"""A model that several processes train together: each has a copy, and computes its rows of every batch."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gam import LanguageModel, TransformerConfig
from gam.ops.dropout import rows_of
from pipeline.base.errors import UserError
from pipeline.machine.processes import Processes


class Replica:
    """The copy of one process. A training step takes it as it takes a model.

    The mean of the losses of all processes is the loss of the whole batch, and so it is with their gradients, which
    DistributedDataParallel takes the mean of.
    """

    def __init__(self, model: LanguageModel, processes: Processes) -> None:
        config = model.config
        on_cuda = next(model.parameters()).is_cuda
        if on_cuda and isinstance(config, TransformerConfig) and config.fused and config.dropout > 0:
            raise UserError(
                "fused attention on a GPU drops out by masks of its own, which are not those of a part of a batch: "
                "set the model's fused to false or its dropout to 0.0, or train it in one process"
            )
        self.processes = processes
        self.ddp = DistributedDataParallel(_Loss(model), process_group=processes.group, gradient_as_bucket_view=True)

    def loss(self, idx: Tensor, targets: Tensor) -> Tensor:
        """Of this process's rows of `idx` and `targets`, (B, T) of the whole batch, weighed by how many they are."""
        batch = len(idx)
        rows = self.processes.rows(batch)
        weight = self.processes.count * (rows.stop - rows.start) / batch
        if not weight:  # No row is left for it: it computes one for nothing, since all must take part.
            rows = slice(0, 1)
        with rows_of(batch, rows):
            loss: Tensor = self.ddp(idx[rows], targets[rows])
        return loss * weight

    def parameters(self) -> Iterator[nn.Parameter]:
        return self.ddp.parameters()


class _Loss(nn.Module):
    """The loss as the module's forward pass, which is what DistributedDataParallel looks after."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, idx: Tensor, targets: Tensor) -> Tensor:
        return self.model.loss(idx, targets)
