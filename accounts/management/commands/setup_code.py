"""`manage.py setup_code`: the code that the first account asks for when it is made from another machine."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.setup_code import setup_code


class Command(BaseCommand):
    help = "Print the setup code, which making the first account from elsewhere asks for."

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(deleted_at=None).exists():
            self.stdout.write("There is an account already: no setup code is needed.")
        else:
            self.stdout.write(f"Setup code, asked for when the first account is made: {setup_code()}")
