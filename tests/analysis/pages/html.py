"""Reads a page or a part of one: checks that tags nest, and keeps the words and the tags."""

from html.parser import HTMLParser

VOID = {"meta", "br", "path", "use", "line", "img", "link", "hr", "rect", "image"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def needs_nothing_else(self) -> None:
        """No code, and nothing that a browser would fetch."""
        assert not {tag for tag, _ in self.tags} & {
            "script", "link", "iframe", "img", "object", "base", "embed",
        }  # fmt: skip
        for tag, attributes in self.tags:
            for name in ("src", "href", "xlink:href", "srcset"):
                assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
            assert not any(name.startswith("on") for name in attributes)
