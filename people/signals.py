"""What people announces."""

from django.dispatch import Signal

# Sent with owner_id, after the commit: somebody's answers changed, suggestions are out of date.
answers_changed = Signal()
