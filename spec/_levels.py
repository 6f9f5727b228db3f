"""The written rule behind the levels."""

LEVEL_RULE = """\
MUST: a table or the prose of the documents states it (type, required mark, boundary,
option), in both editions where there are two or in the only one that speaks, or it is
a fact of the wire that follows from such a statement. A printed example, repaired
where it is misprinted, must be accepted.

SHOULD: only an example shows it, a description implies it rather than says it, the
documents disagree about it, or it rests on the sentence that an API is compatible
with OpenAI's.

MAY: the documents leave it open. The row is there so that nothing is failed for it:
the report says what the target does, without judgement.

A conflict lowers the level, and a ruling says how it was read. A value within a
printed boundary must be accepted. A value outside must be refused where nothing
contradicts the boundary; where another cell or the OpenAI client does, it should be.
An optional parameter is a MUST row in the sense that the server accepts the body with
it and without it. A SHOULD clause inside a MUST row only warns.
"""
