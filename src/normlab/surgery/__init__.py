"""Operations on any `torch.nn.Module`, one verb per file.

Verbs return a fresh model and leave the one they were given untouched; `derive` works
on one that was built for it.

* `derive`: the norms of an arm, in a network that takes none.
* `fold`: merge batch norms into the layers in front of them, for inference.
"""
