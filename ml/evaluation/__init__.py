"""Measures recognition on labelled photos: one measure a module, arrays in and numbers out."""
