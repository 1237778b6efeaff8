"""`python -m gam generate FOLDER PROMPT`: go on with a text, with a model that was exported into a folder."""

import argparse
import sys
from pathlib import Path

import torch

from gam.generation import generate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gam", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("generate", help="go on with a text")
    command.add_argument("folder", type=Path, help="what `python -m pipeline export` wrote, or save_pretrained")
    command.add_argument("prompt", help="the text to go on with")
    command.add_argument("--tokens", type=int, help="how many; as many as the model has positions for, 100 at most")
    command.add_argument("--temperature", type=float, default=1.0, help="0: always the likeliest token")
    command.add_argument("--top-k", type=int, help="draw from so many of the likeliest tokens")
    command.add_argument(
        "--top-p", type=float, help="draw from the likeliest tokens that together have this probability"
    )
    command.add_argument("--seed", type=int, help="with it, the same text each time")
    args = parser.parse_args()
    try:
        print(text(args))
    except ModuleNotFoundError as error:
        say(f"{error.name} is not installed: pip install 'gam[hub]'")
    except (ValueError, OSError) as error:
        say(str(error))


def text(args: argparse.Namespace) -> str:
    """The prompt, and what the model adds. The published tokenizer keeps no white space: parts of words stand apart."""
    from tokenizers import Tokenizer  # with gam[hub] alone

    from gam.pretrained import open_folder

    model = open_folder(args.folder)
    file = args.folder / "tokenizer.json"
    if not file.is_file():
        raise ValueError(f"{args.folder} has no tokenizer: {file.name} is missing")
    tokenizer = Tokenizer.from_file(str(file))
    prompt = tokenizer.encode(args.prompt).ids
    room = model.config.block_size - len(prompt)
    n_tokens = max(0, min(100, room)) if args.tokens is None else args.tokens
    settings = {"temperature": args.temperature, "top_k": args.top_k, "top_p": args.top_p, "seed": args.seed}
    new = [int(idx) for idx in generate(model, torch.tensor([prompt]), n_tokens, **settings)]
    return f"{args.prompt} {tokenizer.decode(new)}"


def say(message: str) -> None:
    """One line, and the end."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
