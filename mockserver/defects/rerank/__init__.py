"""What a rerank server can get wrong."""
