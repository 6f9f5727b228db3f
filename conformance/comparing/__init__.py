"""What servers, or days of one server, answer otherwise to the same requests."""
