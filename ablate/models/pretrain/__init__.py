"""Pre-trains the tiny vision towers that ship with the package: `python -m ablate.models.pretrain`.

Each sibling learns with its tower's own kind of objective, on scenes from seeds of their own.
"""
