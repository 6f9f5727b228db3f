"""The reference implementation: real models behind the AIOS API."""
