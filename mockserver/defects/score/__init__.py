"""What a score server can get wrong."""
