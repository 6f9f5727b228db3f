"""What chat and completions can get wrong alike."""
