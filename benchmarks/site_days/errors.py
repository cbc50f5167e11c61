"""What is wrong with what the benchmark was given."""


class InputError(ValueError):
    """A file or an option that cannot be used; its text is one line for the user."""
