"""Between text and token ids: what every engine leaves to the front's tokenizers."""
