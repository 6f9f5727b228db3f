"""Models run by transformers in this process: batched, constrained, readable."""
