"""Writes reference and figures: `make docs`."""

from docs.make import figures, reference
from docs.make.reference import ROOT

for name, text in reference.pages().items():
    path = ROOT / "docs" / "reference" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    print(path.relative_to(ROOT))
for name in figures.FIGURES:
    print(figures.write(name, ROOT / "docs" / "figures").relative_to(ROOT))
