"""What an embeddings server can get wrong."""
