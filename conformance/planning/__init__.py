"""What will be sent, before the first byte."""
