"""What accounts announces. Others listen; accounts does not know them."""

from django.dispatch import Signal

# Sent with user, after the answer is saved: whether Kith may look for faces has changed.
face_analysis_changed = Signal()
