"""Training: a schedule's stages, each one call of `Trainer.fit`."""
