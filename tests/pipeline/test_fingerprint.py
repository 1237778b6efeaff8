"""The fingerprint: it changes with the mathematics, and with nothing else."""

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gam import GAMConfig, GatedSlotsConfig, LanguageModel
from gam.ops import gated_slots, memory_retrieval, selective_scan
from gam.ops.dropout import Dropout
from pipeline import fingerprint
from pipeline.artifacts.fingerprints import agrees
from pipeline.base import paths
from pipeline.evaluation import context, gam_parts, metrics, probes
from pipeline.fingerprint import main as fingerprint_main
from pipeline.params.protocols import Train
from pipeline.training import protocol as training
from tests.conftest import Workspace


def fingerprint_of(workspace: Workspace, model: str = "gam") -> tuple[Any, Any, Any]:
    workspace.call(fingerprint_main, "--model", model)
    files = (
        path(model) for path in (paths.training_fingerprint, paths.evaluation_fingerprint, paths.inside_fingerprint)
    )
    return tuple(json.loads(file.read_text()) for file in files)  # type: ignore[return-value]  # three of them


def test_fingerprint_stays_where_numbers_agree(workspace: Workspace) -> None:
    first = copy.deepcopy(fingerprint_of(workspace))
    file = paths.training_fingerprint("gam")
    nearly = json.loads(file.read_text())
    nearly["losses"] = [loss * (1 + 2e-5) for loss in nearly["losses"]]
    file.write_text(json.dumps(nearly))
    kept = file.read_bytes()
    fingerprint_of(workspace)
    assert file.read_bytes() == kept  # rounding of another machine: the file stays, byte for byte
    nearly["losses"][-1] *= 1 + 1e-3
    file.write_text(json.dumps(nearly))
    assert fingerprint_of(workspace) == first
    file.write_text("{")
    assert fingerprint_of(workspace) == first


def wrong_clip(*_arguments: object) -> None:
    """No clipping at all."""


def wrong_optimiser(weight_decay: float = 0.5, beta2: float = 0.95) -> Callable[..., torch.optim.Optimizer]:
    def make(model: LanguageModel, settings: Train) -> torch.optim.Optimizer:
        betas = (settings.beta1, beta2)
        return torch.optim.AdamW(model.parameters(), lr=0.0, betas=betas, weight_decay=weight_decay)

    return make


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "no clipping": lambda patch: patch.setattr(torch.nn.utils, "clip_grad_norm_", wrong_clip),
    "less decay": lambda patch: patch.setattr(training, "make_optimiser", wrong_optimiser(weight_decay=0.45)),
    "other beta": lambda patch: patch.setattr(training, "make_optimiser", wrong_optimiser(beta2=0.96)),
    "schedule ends on the last step": lambda patch: patch.setattr(
        training, "learning_rate", lambda step, total, settings: original_rate(step, total - 1, settings)
    ),
    "no dropout": lambda patch: patch.setattr(Dropout, "forward", lambda _self, x: x),
    "other data order": lambda patch: patch.setattr(
        torch, "randperm", lambda n, generator: original_order(n, generator=generator).flip(0)
    ),
    "token-weighted validation": lambda patch: patch.setattr(
        training, "score_blocks", lambda *a: dataclasses.replace(s := original_score(*a), loss=s.token_loss)
    ),
    "other blocks": lambda patch: patch.setattr(fingerprint, "cut_blocks", lambda *a: original_cut(*a)[:, ::-1].copy()),
    "other seeding": lambda patch: patch.setattr(
        fingerprint, "seeded_model", lambda config, seed, device: training.seeded_model(config, seed + 1, device)
    ),
    "other initialisation": lambda patch: patch.setattr(torch.nn.init, "xavier_uniform_", torch.nn.init.xavier_normal_),
}
original_rate, original_order, original_score = training.learning_rate, torch.randperm, metrics.score_blocks
original_cut = fingerprint.cut_blocks


@pytest.mark.parametrize("change", CHANGES)
def test_fingerprint_sees_changed_mathematics(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = fingerprint_of(workspace)[0]
    with monkeypatch.context() as patch:
        CHANGES[change](patch)
        assert fingerprint_of(workspace)[0] != first


def test_fingerprint_sees_the_scan_carry_its_state(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mamba's scan goes chunk by chunk: a state that is lost between chunks must show."""
    first = fingerprint_of(workspace, "mamba")[0]
    monkeypatch.setattr("gam.ops.selective_scan.CHUNK", 64)  # one chunk: the same numbers
    assert fingerprint_of(workspace, "mamba")[0] == first
    original = selective_scan._states
    monkeypatch.setattr("gam.ops.selective_scan.CHUNK", 8)
    monkeypatch.setattr(selective_scan, "_states", lambda h, *rest: original(torch.zeros_like(h), *rest))
    assert fingerprint_of(workspace, "mamba")[0] != first


def test_fingerprint_sees_slots_carry_their_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gated slots go chunk by chunk too."""
    config = GatedSlotsConfig(vocab_size=29, block_size=256, d_model=512, n_layer=6, dropout=0.1, n_head=8, n_slot=64)
    small = fingerprint.shrink(config)
    assert isinstance(small, GatedSlotsConfig)
    assert (small.n_head, small.n_slot) == (8, 8)
    first = fingerprint.compute(small)[0]
    monkeypatch.setattr(gated_slots, "CHUNK", 64)  # one chunk: the same numbers
    assert agrees(first, fingerprint.compute(small)[0])
    original = gated_slots._states
    monkeypatch.setattr(gated_slots, "CHUNK", 8)
    monkeypatch.setattr(gated_slots, "_states", lambda *chunks: torch.zeros_like(original(*chunks)))
    assert not agrees(first, fingerprint.compute(small)[0])


def test_a_new_metric_evaluates_anew_without_training(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fingerprint_of(workspace)

    def describe(score: metrics.Score, _counts: object) -> Any:
        return metrics.describe(score, fingerprint.COUNTS).model_copy(update={"bits_per_byte": score.loss})

    monkeypatch.setattr(fingerprint, "describe", describe)
    second = fingerprint_of(workspace)
    assert second[0] == first[0]
    assert second[1] != first[1]
    assert second[2] == first[2]


INSIDE: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "positions": lambda patch: patch.setattr(fingerprint, "position_losses", lambda *_: [1.0] * 40),
    "context": lambda patch: patch.setattr(
        fingerprint, "context_losses", lambda model, blocks: original_context(model, blocks[:, ::-1].copy())
    ),
    "norms": lambda patch: patch.setattr(gam_parts, "_use", lambda gate, path: original_use(gate, 1.1 * path)),
    "weights of slots": lambda patch: patch.setattr(
        gam_parts, "slot_weights", lambda x, bank: original_weights(0.9 * x, bank)
    ),
    "when a slot is dead": lambda patch: patch.setattr(fingerprint, "DEAD_SHARE", 0.2),
}
original_context, original_use = context.context_losses, gam_parts._use
original_weights = memory_retrieval.slot_weights


@pytest.mark.parametrize("change", INSIDE)
def test_another_look_inside_evaluates_nothing_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = fingerprint_of(workspace)
    INSIDE[change](monkeypatch)
    second = fingerprint_of(workspace)
    assert second[:2] == first[:2]
    assert second[2] != first[2]


PROBES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "reach": lambda patch: patch.setattr(fingerprint, "reach_by_change", lambda *_: 1),
    "gates": lambda patch: patch.setattr(probes, "_preference", lambda block, x: -original_preference(block, x)),
    "words": lambda patch: patch.setattr(fingerprint, "FUNCTION_WORDS", fingerprint.FUNCTION_WORDS - {"the"} | {"teh"}),
    "classes": lambda patch: patch.setattr(probes, "UNKNOWN_WORD", "<UNK>"),
}
original_preference = probes._preference


@pytest.mark.parametrize("change", PROBES)
def test_a_changed_probe_evaluates_anew_without_training(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = fingerprint_of(workspace)
    PROBES[change](monkeypatch)
    second = fingerprint_of(workspace)
    assert second[0] == first[0]
    assert second[1] != first[1]


@pytest.mark.parametrize(
    "change",
    [
        {"init": "normal", "init_std": 0.02},
        {"init": "normal", "init_std": 0.021},
        {"ffn_width": 3000},
        {"local": False, "memory": False},
    ],
)
def test_fingerprint_of_what_an_entry_adds(workspace: Workspace, change: dict[str, Any]) -> None:
    """It tells each from the entry without it, and agrees with itself."""
    published = fingerprint_of(workspace, "gam-sum-fusion")[0]
    workspace.edit({"models": {"gam-sum-fusion": change}})
    changed = fingerprint_of(workspace, "gam-sum-fusion")[0]
    assert not agrees(published, changed)
    paths.training_fingerprint("gam-sum-fusion").unlink()
    assert fingerprint_of(workspace, "gam-sum-fusion")[0] == changed


def test_fingerprint_without_gates_stays(workspace: Workspace) -> None:
    gates = fingerprint_of(workspace, "gam-sum-fusion")[1]["gates"]
    assert gates == []
    file = paths.evaluation_fingerprint("gam-sum-fusion")
    kept = file.stat().st_mtime_ns
    fingerprint_of(workspace, "gam-sum-fusion")
    assert file.stat().st_mtime_ns == kept


def test_the_fused_mix_computes_the_same() -> None:
    """Its entry has the fingerprint of the model that it is a faster way of: on a CPU by definition, and its kernel is
    compared with that in tests/gam/test_gated_mix.py."""
    config = GAMConfig(vocab_size=29, block_size=40, d_model=16, n_layer=2, dropout=0.1, n_slot=8, kernel_size=3)
    assert fingerprint.compute(config) == fingerprint.compute(dataclasses.replace(config, fused_mix=True))
