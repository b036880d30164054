"""Tables in: files, stores and the published scores, checked and turned into paired scores."""
