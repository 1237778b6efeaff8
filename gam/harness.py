"""An exported model for lm-evaluation-harness:

    results = lm_eval.simple_evaluate(model=HarnessModel("folder"), tasks=["lambada_openai"])

Needs `pip install 'gam[eval]'`.
"""

# ruff: noqa: ARG002  # the harness's interface has arguments that no model here needs

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lm_eval
import torch
from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window, make_table

from gam.pretrained import SPECIAL_TOKENS, open_folder, open_tokenizer

Window = tuple[list[int], list[int]]
"""Token ids that are given, and those after them that are scored."""


class HarnessModel(TemplateLM):
    """What the harness asks of a model. It scores text, and writes none: the tokenizer keeps no white space.

    As the harness has it, each token of a document is scored once, after 1 to block_size tokens. The first one comes
    after [SOS], which the model has not met in training.
    """

    def __init__(self, folder: str | Path, batch_size: int = 16) -> None:
        """Raises ValueError for a folder that holds no model of gam."""
        super().__init__()
        self.model = open_folder(Path(folder)).eval()
        self.words = open_tokenizer(Path(folder), self.model)
        self.batch_size = batch_size

    @property
    def eot_token_id(self) -> int:
        return self.special("eos_token")

    @property
    def prefix_token_id(self) -> int:
        return self.special("bos_token")

    def special(self, name: str) -> int:
        idx = self.words.token_to_id(SPECIAL_TOKENS[name])
        if idx is None:
            raise ValueError(f"the tokenizer has no {SPECIAL_TOKENS[name]}")
        return idx

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        return self.words.encode(string).ids

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Of each document, in nats."""
        longest = self.model.config.block_size
        sums = []
        for request in requests:
            windows = get_rolling_token_windows(self.tok_encode(request.args[0]), self.prefix_token_id, longest, 1)
            sums.append(sum(score for score, _ in self.score(map(make_disjoint_window, windows))))
        return sums

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **_: Any
    ) -> list[tuple[float, bool]]:
        return self.score((given, scored) for _, given, scored in requests)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        raise ValueError("these models score texts alone: their tokenizer keeps no white space")

    @torch.no_grad()
    def score(self, windows: Iterable[Window]) -> list[tuple[float, bool]]:
        """Log-likelihood in nats of the second part of each window, and whether each token of it is the likeliest.

        Of what is given, the model sees as much as it has positions for. Raises ValueError where not even the part that
        is scored fits.
        """
        pairs, scores = list(windows), []
        for at in range(0, len(pairs), self.batch_size):
            batch = pairs[at : at + self.batch_size]
            rows = [self.row(*pair) for pair in batch]
            idx = torch.zeros(len(rows), max(map(len, rows)) - 1, dtype=torch.int64)  # a causal model minds no padding
            for place, row in zip(idx, rows, strict=True):
                place[: len(row) - 1] = torch.tensor(row[:-1])
            for row, (_, scored), logits in zip(rows, batch, self.model(idx)[0], strict=True):
                own = logits[len(row) - 1 - len(scored) : len(row) - 1].log_softmax(dim=-1)
                targets = torch.tensor(scored, dtype=torch.int64)
                chosen = own.gather(1, targets[:, None])
                scores.append((chosen.double().sum().item(), bool((own.argmax(dim=1) == targets).all())))
        return scores

    def row(self, given: list[int], scored: list[int]) -> list[int]:
        longest = self.model.config.block_size
        if len(scored) > longest:
            raise ValueError(f"a continuation must have at most block_size = {longest} tokens, got {len(scored)}")
        return (given + scored)[-longest - 1 :]


def text_task(file: Path) -> ConfigurableTask:
    """A file of text as one document. Words are what stands between white space; bytes are all bytes.

    Raises ValueError for a file that holds no text in UTF-8.
    """
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no text in UTF-8: {error}") from None
    n_words, n_bytes = len(text.split()), len(text.encode())
    if n_words == 0:
        raise ValueError(f"{file} holds no text")
    # The harness itself would count one word more for white space at either end.
    units = {"word_perplexity": n_words, "byte_perplexity": n_bytes, "bits_per_byte": n_bytes}
    sums = {"word_perplexity": "weighted_perplexity", "byte_perplexity": "weighted_perplexity"}
    return ConfigurableTask(
        config={
            "task": file.name,
            "custom_dataset": lambda **_: {"test": Dataset.from_dict({"text": [text]})},
            "test_split": "test",
            "num_fewshot": 0,
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": lambda doc: doc["text"],
            "process_results": lambda _, results: {name: (results[0], number) for name, number in units.items()},
            "metric_list": [
                {"metric": name, "aggregation": sums.get(name, name), "higher_is_better": False} for name in units
            ],
        }
    )


def measure(folder: Path, file: Path) -> dict[str, Any]:
    """The results of the harness for one text."""
    tasks = TaskManager(include_defaults=False).load([text_task(file)])  # by default it reads 14,000 files on tasks
    # Its standard errors come from drawing documents again, and here is one alone.
    return lm_eval.evaluate(lm=HarnessModel(folder), task_dict=tasks, bootstrap_iters=0)


def measure_text(folder: Path, file: Path) -> str:
    """The same as the table that the harness prints."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of options that this command does not have
    return make_table(measure(folder, file))
