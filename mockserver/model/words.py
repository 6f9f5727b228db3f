"""The words that the mock model knows, by the part they play in a sentence."""

# ruff: noqa: SIM905 - word lists read best as text

from typing import Final

OPENERS: Final = tuple("The This That Every Each One Our Another Some Such Any".split())
NAMES: Final = tuple(
    "Seoul Paris Korea France Jupiter Europe Asia Busan Zürich Málaga Ørsted".split()
)
ADVERBS: Final = tuple(
    "often usually also still rarely quietly gladly always sometimes simply".split()
)
ADJECTIVES: Final = tuple(
    """small large quiet bright old new early late northern southern simple careful
    open warm cold green blue famous gentle modern narrow busy naïve capital""".split()
)
NOUNS: Final = tuple(
    """city river library bridge market garden museum harbor teacher student traveler
    engineer station village mountain island forest letter story answer question
    window map planet water model example café song machine train road""".split()
)
VERBS: Final = tuple(
    """keeps shows finds holds brings follows offers reaches joins explains carries
    remembers watches opens builds covers describes connects welcomes supports is has
    needs knows makes gives""".split()
)
DETERMINERS: Final = tuple(
    "the this that every each one our another some its their".split()
)
PREPOSITIONS: Final = tuple(
    "near in behind with for above beside around beyond toward from of".split()
)
JOINERS: Final = tuple("and but then because while so".split())

COMMON: Final = tuple(
    """a I you he she it we they me him her us them my your his who what which when
    where why how be am are was were been being do does did done have had having will
    would can could may might must""".split()
)
"""What the model might also say, but hardly ever does."""
