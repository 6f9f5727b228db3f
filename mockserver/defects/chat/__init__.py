"""What a chat server can get wrong."""
