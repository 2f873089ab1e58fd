"""What photos announces. Others listen; photos does not know them."""

from django.dispatch import Signal

# Sent with owner_id, after the commit: photos of this owner are ready for the next stage.
photos_ready = Signal()
