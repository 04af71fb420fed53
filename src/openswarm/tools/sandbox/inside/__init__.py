"""What runs inside of the jail: the standard library alone, each file a program's part by itself.

The folder is bound into the jail, where `enter.py` is started and imports the others by name.
"""
