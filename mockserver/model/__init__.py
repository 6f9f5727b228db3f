"""What stands for a model: a vocabulary, a language, a geometry, tools and schemas."""
