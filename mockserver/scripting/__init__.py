"""What a user makes the mock say: rules, templates, tapes."""
