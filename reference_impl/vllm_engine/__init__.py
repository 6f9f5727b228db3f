"""Models run by vLLM, in this process or elsewhere: token ids in, token ids out."""
