"""The one exception of the embedded services."""


class EmbeddedError(RuntimeError):
    """A service could not be started; the message is a sentence for whoever runs Kith."""
