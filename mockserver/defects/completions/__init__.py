"""What a completions server can get wrong."""
