"""Finds, aligns, embeds, groups and identifies faces. Images and arrays in, arrays and frozen dataclasses out."""
