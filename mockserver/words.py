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
    """a A I you he she it we they me him her us them my your his who what which when
    where why how be am are was were been being do does did done have had having will
    would can could may might must shall should not no yes or if as at by on to into
    out up down over under after before about between again only just more most less
    very too than there here now today tomorrow yesterday please thank hello hi good
    bad best better first last next same other many much few all both is an name
    user system assistant tool function call value type string number object array
    true false null data text word words sentence token list result response request
    capital country weather time day week month year world solar largest smallest
    chemical symbol formula helpful known located north south east west central part
    tower Eiffel Tokyo London Berlin temperature write read say tell ask help use make
    get set find search open close go come see look think know want need like work
    play run walk eat drink buy sell pay send receive file code program computer
    language learn teach school book page line short long high low left right top one
    two three four five six seven eight nine ten hundred thousand quick brown fox jump
    jumped over lazy dog cat bird fish tree house street people man woman child
    friend family life love""".split()
)
"""Further words that count as one token; the model does not say them by itself."""

PUNCTUATION: Final = tuple(
    """. , ? ! : ; - " ' ( ) [ ] { } / ... {" "} ": ", }, {} [] }} ":" "," [{" "}] .
    </ > <""".split()
)

WORDS: Final = tuple(
    dict.fromkeys(
        word
        for group in (
            OPENERS,
            NAMES,
            ADVERBS,
            ADJECTIVES,
            NOUNS,
            VERBS,
            DETERMINERS,
            PREPOSITIONS,
            JOINERS,
            COMMON,
        )
        for word in group
    )
)
"""Every known word once, in the order that fixes token ids."""
