"""What a user can ask for, and the errors that answer a bad wish."""
