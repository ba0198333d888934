"""Operations on any `torch.nn.Module`, one verb per file.

Verbs return a fresh model and a `Report`, and leave the one they were given untouched.
All see a network through the map that `chart` draws by running it (`watch`), and change
it by the few `edits` there are.

* `fold`: merge norms into the layers beside them, for inference.
* `convert`: other norms in the place of those that there are.
* `insert`: norms where there are none.
* `freeze`: norms held still in training.
* `recalibrate`: running statistics anew, from data.
* `statistics`: those of replicas pooled; held during extra forwards.
* `derive`: the norms of an arm, in a network that takes none; the same edits, on a
  network that was built for it.
"""
