"""What a user can be told in one sentence, without a traceback. Imports: nothing."""


class UserError(Exception):
    """What somebody asked for cannot be done; the message says what to do instead."""
