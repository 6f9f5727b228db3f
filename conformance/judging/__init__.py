"""From a recording to verdicts."""
