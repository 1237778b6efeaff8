"""The card of an exported model: what it is, how to open it, what it scores."""

from dataclasses import asdict
from typing import Any

from gam.config import ModelConfig
from pipeline.artifacts.records import Metrics
from pipeline.params.schema import Params
from pipeline.report.tables.rendering import markdown_table

CARD = """\
---
library_name: gam
license: apache-2.0
pipeline_tag: text-generation
tags: [arxiv:2509.00605]
---

# {model}, {dataset}, seed {seed}

A language model of {millions} million parameters with {config[n_layer]} blocks of the kind `{block}`. It was trained
to reproduce a comparison (arXiv:2509.00605), and is made for research: it is small, has seen little text, and knows
nothing of the world.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer  # 5 or later

model = AutoModelForCausalLM.from_pretrained("this folder", trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained("this folder", trust_remote_code=True)
```

The code of the model is in this folder, and `trust_remote_code` runs it. Texts have at most {config[block_size]}
tokens. The tokenizer keeps no white space. With the project's own package:

```python
from gam.pretrained import PretrainedModel  # pip install 'gam[hub]'

model = PretrainedModel.from_pretrained("this folder")
```

`python -m gam generate FOLDER "a text to go on with"` writes with it, and `python -m gam lm-eval FOLDER FILE` measures
it on a text.

| field | value |
| --- | --- |
{fields}

Its text: {text}. Its training, and every number below, is described in the repository that it comes from.

{scores}

Evaluated by code version `{commit}`, on {device}, torch {torch}, in {precision}.
SHA-256 of the weights as the run stored them: `{weights}`.
"""


def card(params: Params, metrics: Metrics, config: ModelConfig, n_parameters: int) -> str:
    """Markdown, with what the Hugging Face Hub reads at its top."""
    entry, text, stamp = params.models[metrics.model], params.datasets[metrics.dataset], metrics.provenance
    rows = [
        [
            split,
            f"{each.token_loss:.4f}",
            _number(each.token_perplexity),
            f"{each.bits_per_byte:.4f}",
            _number(each.word_perplexity),
            f"{each.targets:,}",
        ]
        for split, each in metrics.splits.items()
    ]
    headers = ["split", "nats per token", "perplexity", "bits per byte", "perplexity per word", "tokens"]
    values: dict[str, Any] = asdict(config)
    return CARD.format(
        model=metrics.model,
        dataset=metrics.dataset,
        seed=metrics.seed,
        millions=f"{n_parameters / 1e6:.1f}",
        config=values,
        block=entry.block,
        fields="\n".join(f"| `{name}` | {value} |" for name, value in values.items() if value is not None),
        text=", ".join(f"{name} {value}" for name, value in text.origin.model_dump().items() if value is not None),
        scores=markdown_table(headers, rows, "lrrrrr"),
        commit=stamp.code.commit or stamp.code.sha256,
        device=stamp.device,
        torch=stamp.packages["torch"],
        precision=stamp.precision,
        weights=metrics.weights,
    )


def _number(value: float | None) -> str:
    return "too large" if value is None else f"{value:,.2f}"
