"""The verdict on a client: what it did right and wrong, as the wire shows it.

Each rule looks at the exchanges in the journal and says what it saw, with their
numbers. What nothing in the journal could show is not exercised: never a pass.
"""
