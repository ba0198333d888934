"""Images and labels of every origin, as one in-memory `Dataset`.

* `load`: a built-in name or a path; `arrays`: objects from Python;
* `mnist`, `idx`, `npz`, `folder`, `download`: one kind of source each;
* `assemble`: checks, held-out images and statistics, the same for all of them;
* `dataset`: the result, and its files that many processes map at once;
* `batches`: the one order that all arms of a seed see; `feed`: the tensors.
"""
