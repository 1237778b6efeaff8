"""The generated corpus of the quickstart."""

from pipeline.base.paths import HOUSE, raw
from pipeline.commands.quickstart import OVERLAYS, merge
from pipeline.data.rows import rows_file
from pipeline.data.stories import stories
from pipeline.fetch import main as fetch_main
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace


def test_quickstart_corpus_is_the_recorded_one(workspace: Workspace) -> None:
    """A change of the generator must show in the overlay, so that DVC makes the corpus anew."""
    workspace.write(merge(read_yaml(HOUSE / "params.yaml"), read_yaml(OVERLAYS / "stories.yaml")))
    corpus = load_params().datasets["stories"]
    assert corpus.sha256.keys() == corpus.rows.keys()
    workspace.call(fetch_main, "--dataset", "stories")
    assert 300_000 < rows_file(raw("stories"), "train").stat().st_size < 1_000_000


def test_names_return_far_away() -> None:
    """The words that introduce a character return dozens of words later, behind words that do not tell which."""
    for story in stories(0, "train", 50):
        words = story.split()
        hero = words[2]
        places = [at for at, word in enumerate(words) if word == hero]
        assert len(places) >= 4
        assert places[-1] - places[0] > 70
        assert words[places[-1] - 1] == "how"
