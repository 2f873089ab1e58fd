"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at the memory OWASP gives as its minimum.

    Django's default takes 100 MB a sign-in: eight at once would be felt on a small
    machine that is busy with faces.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1
