"""What happened and what shall happen: the journal, its metrics and `/_mock/`."""
