"""Trains an embedder on a folder of labelled photos; needs torch, and no Django. See docs/training.md."""
