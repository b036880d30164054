"""The built-in dataset: real video files, pictures and texts with known ground truth."""
