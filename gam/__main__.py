"""What is done with a model that was exported into a folder: `python -m gam generate` and `python -m gam lm-eval`."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

import torch

from gam.generation import generate

EXTRAS = {"lm_eval": "eval"}
"""What brings a package, where it is not the extra `hub`."""


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        say(f"command line: {message} (see --help)")


def main() -> None:
    parser = OneLineParser(prog="python -m gam", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("generate", help="go on with a text")
    command.add_argument("folder", type=Path, help="what `python -m pipeline export` wrote, or save_pretrained")
    command.add_argument("prompt", help="the text to go on with")
    command.add_argument("--tokens", type=int, help="how many; as many as the model has positions for, 100 at most")
    command.add_argument("--temperature", type=float, default=1.0, help="0: always the likeliest token")
    command.add_argument("--top-k", type=int, help="draw from so many of the likeliest tokens")
    command.add_argument(
        "--top-p", type=float, help="draw from the likeliest tokens that together have this probability"
    )
    command.add_argument("--seed", type=int, help="with it, the same text each time")
    command.set_defaults(answer=text)
    command = commands.add_parser("lm-eval", help="what lm-evaluation-harness measures on a text")
    command.add_argument("folder", type=Path, help="what `python -m pipeline export` wrote")
    command.add_argument("text", type=Path, help="a file of text, UTF-8; it is one document")
    command.set_defaults(answer=table)
    args = parser.parse_args()
    try:
        print(args.answer(args))
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed: pip install 'gam[{EXTRAS.get(str(error.name), 'hub')}]'")
    except (ValueError, OSError) as error:
        say(str(error))


def text(args: argparse.Namespace) -> str:
    """The prompt, and what the model adds. The published tokenizer keeps no white space: parts of words stand apart."""
    from gam.pretrained import open_folder, open_tokenizer  # with gam[hub] alone

    model = open_folder(args.folder)
    tokenizer = open_tokenizer(args.folder, model)
    try:
        args.prompt.encode()
    except UnicodeEncodeError:
        raise ValueError("the prompt is no text in UTF-8") from None
    prompt = tokenizer.encode(args.prompt).ids
    room = model.config.block_size - len(prompt)
    n_tokens = max(0, min(100, room)) if args.tokens is None else args.tokens
    settings = {"temperature": args.temperature, "top_k": args.top_k, "top_p": args.top_p, "seed": args.seed}
    new = [int(idx) for idx in generate(model, torch.tensor([prompt]), n_tokens, **settings)]
    return f"{args.prompt} {tokenizer.decode(new)}"


def table(args: argparse.Namespace) -> str:
    """Perplexities and bits per byte, as lm-evaluation-harness shows them."""
    from gam.harness import measure_text  # with gam[eval] alone

    return measure_text(args.folder, args.text)


def say(message: str) -> NoReturn:
    """One line, and the end."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
