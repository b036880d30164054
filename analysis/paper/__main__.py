"""The command behind `make paper`."""

from analysis.paper.page import write_paper

print(write_paper())
