"""Operations and peaks as their stages would have written them, with numbers that are made up."""

from pipeline.artifacts.cost_records import FlopCounts, Peak, PeakResult
from pipeline.artifacts.devices import device_key
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.params.models import Precision
from tests.made_up import STAMP


def write_flops(**per_token: int) -> None:
    """So many operations for each token that a model is trained on."""
    write_result(paths.FLOPS, FlopCounts(per_token={"stories": per_token}, provenance=STAMP))


def write_peak(flops_per_second: float, threads: int = 2, precision: Precision = "float32") -> None:
    """What the device makes at most in one setting."""
    peak = Peak(threads=threads, precision=precision, size=8, flops_per_second=flops_per_second)
    result = PeakResult(peaks=[peak], provenance=STAMP)
    write_result(paths.peak(device_key(STAMP.device, STAMP.instructions)), result)
