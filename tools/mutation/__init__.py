"""Changes one thing of a module at a time, and sees whether a test notices. See `tools.mutation.__main__`."""
