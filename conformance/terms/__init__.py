"""The words of the judge: what is asked of a target, and how it is judged."""
