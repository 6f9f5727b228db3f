"""Why a model cannot be served.

LoadError
├── Missing      a file, folder or hub model is not there
├── WrongKind    the model cannot do what it was named for
└── ModelTooLarge     it does not fit into memory
"""


class LoadError(Exception):
    """A model cannot be served; the text says which, why and what would do."""


class Missing(LoadError):  # noqa: N818 - reads as the fact it states
    """A file, folder or hub model is not there."""


class WrongKind(LoadError):  # noqa: N818
    """The model cannot do what it was named for."""


class ModelTooLarge(LoadError):  # noqa: N818
    """The model does not fit into memory."""
