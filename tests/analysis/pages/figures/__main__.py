"""Renews the pictures that key figures are compared with: look at every one before committing."""

from tests.analysis.pages.figures import FOLDER, KEY, render

for name in KEY:
    print(render(name, FOLDER))
