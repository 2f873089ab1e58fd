#!/usr/bin/env python
"""Command line of Kith: `python manage.py up` runs everything."""

import sys

from config.command_line import main

if __name__ == "__main__":
    main(sys.argv)
