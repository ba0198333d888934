"""Operations on any `torch.nn.Module`, one verb per file.

Verbs return a fresh model and leave the one they were given untouched.

* `fold`: merge batch norms into the layers in front of them, for inference.
"""
