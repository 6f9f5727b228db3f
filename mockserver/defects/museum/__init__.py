"""The museum: real bugs of real servers, each with the public report of it.

They are planted like the defects of the registry, but are not among them: those who
wrote the checks did not invent these. Each has its `origin` (repository#number), the
`source` (the line that promises better, or that leaves a freedom open), and the rows
that must notice. The reports were read for what went wrong; nothing was copied.

embeddings   splits of batches, caches, company, empty texts
ranking      rerank and score: splits of lists, long and blank texts, truncation
encoders     lengths, top_n, and what one of a list does to the others
generation   chat and completions: leaks, caches, limits, company
reading      what becomes of a request: histories, characters, null, headers, lengths
logprobs     log probabilities: which tokens, how many, where, and beside what else
sampling     penalties, biases, several choices, pieces of streams
counts       usage: several choices, caches, streams
chat         the turns of an agent, calls, log probabilities
calls        ids and arguments of calls, several at once, what a stream loses of them
completions  echo, lists of prompts, log probabilities
wire         events that are none, refusals sent as success, usage, JSON
arguments    names and values of what is called
caches       keys that lack something, and requests beside one another
characters   composed, cut, taken for markup, or deadly
several      the second choice, the second prompt, the last piece
edges        one item, copies, formats, counts of nothing
bounds       values at their bounds, hostile bodies, stops, what is sent
pieces       the pieces of streams, their log probabilities, the last chunk
stopping     stop strings: what is held back, how many, how they are read
values       0 and small values, ids, caches, unequal company
histories    turns, schemas of tools, calls in pieces
prompts      echo in streams and lists, more freedoms
vectors      embeddings: what was seen before, what is cut, counts, scripts
lists        rerank and score: what two parameters do to each other, long lists
clients      what clients send in ways of their own: turns, numbers, escapes, headers
neighbours   the embedding dialects: sizes, keys, limits, lists of models
taken        what a request holds: refused, lost or changed
beside       what comes before and beside it: caches, company, bodies, errors
told         what an answer tells: log probabilities, calls, counts, reasons
measured     encoders: unequal lengths, limits, scores of long texts
sundry       splits, ends, caches, and what another text has left
meetings     two parameters, tools and all else, a thought, what came before
refusing     what is refused, lost or confused beside something else
twins        one form that differs from its twin: a list, a stream, the next token
said         what is said: pieces of calls and texts, stop strings, likelihoods
company      neighbours in flight, in a batch, in a list; and seeds, lost
kept         what is kept of what came before, and counts, ends and likelihoods
replies      later turns, choices and calls without a text, one vector for all
freedoms     what must stay silent
"""

from collections.abc import Mapping
from dataclasses import replace

from aios_conformance.mockserver.defects import defects_in
from aios_conformance.mockserver.defects.museum import (
    arguments,
    beside,
    bounds,
    caches,
    calls,
    characters,
    chat,
    clients,
    company,
    completions,
    counts,
    edges,
    embeddings,
    encoders,
    freedoms,
    generation,
    histories,
    kept,
    lists,
    logprobs,
    measured,
    meetings,
    neighbours,
    pieces,
    prompts,
    ranking,
    reading,
    refusing,
    replies,
    said,
    sampling,
    several,
    stopping,
    sundry,
    taken,
    told,
    twins,
    values,
    vectors,
    wire,
)
from aios_conformance.mockserver.defects.planting import Defect

_WINGS = (
    embeddings,
    ranking,
    encoders,
    generation,
    reading,
    logprobs,
    sampling,
    counts,
    chat,
    calls,
    completions,
    wire,
    arguments,
    caches,
    characters,
    several,
    edges,
    bounds,
    pieces,
    stopping,
    values,
    histories,
    prompts,
    vectors,
    lists,
    neighbours,
    clients,
    taken,
    beside,
    told,
    measured,
    sundry,
    meetings,
    refusing,
    twins,
    said,
    company,
    kept,
    replies,
    freedoms,
)


def museum() -> Mapping[str, Defect]:
    """Every exhibit by name; raises ValueError for a name twice."""
    named = [_labelled(one) for wing in _WINGS for one in defects_in(wing, "EXHIBITS")]
    found = {one.name: one for one in named}
    if len(found) != len(named):
        raise ValueError("two exhibits share a name")
    return found


def _labelled(one: Defect) -> Defect:
    """Give an exhibit its name; tables of further rows may hold its primary as well."""
    also = {row: why for row, why in one.also.items() if row != one.primary}
    return replace(one, name=one.name.replace("_", "-"), also=also)
