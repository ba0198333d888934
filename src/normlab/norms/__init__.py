"""Normalisation layers: one family per file, torch's own layer where it has one.

`registry.maker(name)` gives the factory of a family; `reference` is batch norm
written as the equations of the paper, to be read and to be compared with.

What a norm is called, what it takes statistics over and what can be set of it says its
object in `normlab.spec.norms`; the function of its name in the file of its name builds
it; `recognize` tells the norms in a network, whoever made them.
"""
