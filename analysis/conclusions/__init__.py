"""What the figures say: sizes to trust, decisions that transfer, costs, what to run next."""
