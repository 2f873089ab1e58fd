"""A whole library in a folder, and back: the database and every file, as they were at one moment.

layout.py     what a backup looks like, and whether one is whole
database.py   PostgreSQL's own tools, for the database this Kith uses
making.py     makes one, while Kith goes on working
restoring.py  makes a library of one, where there is none
"""
