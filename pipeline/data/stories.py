"""The embedded corpus: short stories from a seeded grammar, for trying the pipeline without any download.

Names and objects that a story introduces return dozens of tokens later, in places where the words just before do not
tell which: a model that sees far does better there than one that sees a few tokens.
"""

from collections.abc import Iterator
from random import Random

NAMES = (
    "Anna Bela Cora Dario Edda Falk Greta Hugo Ines Jonas Kaya Luis Mira Nils Oda Paul Quinn Rosa Silas Tara "
    "Ugo Vera Wim Xenia Yara Zeno Alma Bruno Clio Dora Emil Fina Gilda Hans Ida Juri Kira Levi Mona Nora"
).split()
COLOURS = "red blue green golden silver white black brown grey purple orange yellow".split()
THINGS = (
    "kettle lantern violin basket ladder mirror blanket compass drum wagon kite candle hammer mitten teapot saddle "
    "whistle puzzle ribbon trunk anchor bucket feather medal"
).split()
PLACES = "harbour mill forest garden market bridge tower meadow cellar bakery library stable".split()
WEATHER = "warm windy rainy foggy cold bright quiet stormy".split()
ANIMALS = "cat dog goat crow hen fox mouse pony owl duck".split()
FILLERS = (
    "The {animal} slept near the wall while the morning went by .",
    "It was a {weather} day , and nobody was in a hurry .",
    "A {animal} and a {animal2} looked on from the other side of the road .",
    "Somebody sang an old song about the sea and the long way home .",
    "The bells rang , the bread was eaten , and the wind turned .",
    "Then it grew {weather} , and the path was full of leaves .",
    "Two children ran past with a {animal} and did not stop .",
    "They rested under a tree and shared an apple and some cheese .",
)


def stories(seed: int, split: str, count: int) -> Iterator[str]:
    """`count` stories, one per row; the same seed and split give the same stories, and fewer are the first of more."""
    random = Random(f"{seed} {split}")  # seeded by a string, which hashes alike on every platform
    return (_story(random) for _ in range(count))


def _story(random: Random) -> str:
    hero, friend = random.sample(NAMES, 2)
    place, goal = random.sample(PLACES, 2)
    thing = f"{random.choice(COLOURS)} {random.choice(THINGS)}"
    sentences = [
        f"One day {hero} went to the {place} with a {thing} .",
        *_fillers(random, 1),
        f"There {hero} met {friend} , who had come from the {goal} .",
        *_fillers(random, 1),
        f'" May I see it ? " asked {friend} , and {hero} held up the {thing} .',
        *_fillers(random, 1),
        f"In the evening they left the {place} and walked to the {goal} .",
        *_fillers(random, 1),
        f"Before the night came , {friend} thanked {hero} for the {thing} .",
        f"Nobody at the {place} forgot how {hero} and {friend} had shared the {thing} .",
    ]
    return " ".join(sentences)


def _fillers(random: Random, count: int) -> list[str]:
    animal, animal2 = random.sample(ANIMALS, 2)
    weather = random.choice(WEATHER)
    chosen = random.sample(FILLERS, count)
    return [sentence.format(animal=animal, animal2=animal2, weather=weather) for sentence in chosen]
