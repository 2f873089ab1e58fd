"""Measurements behind the decisions: what was tried, and what it gave."""
