"""Which small, cheap experiments may you trust to design a large video-language model?"""

__version__ = "0.1.0"
