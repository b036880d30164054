"""Pages out: the text of the terminal, the HTML report and its figures."""
