"""Measures Kith's networks beside stock facenet-pytorch in one run. `manage.py bench` puts it together."""
