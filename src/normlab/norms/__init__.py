"""Normalisation layers: one family per file, torch's own layer where it has one.

`registry.maker(name)` gives the factory of a family; `reference` is batch norm
written as the equations of the paper, to be read and to be compared with.

| name | statistics of one value of an image `(n, c, h, w)` over | parameters |
|---|---|---|
| none | - | none |
| batch | n, h, w | gamma and beta per channel |
| layer | c, h, w | gamma and beta per channel |
| group | the channels of its group, h, w | gamma and beta per channel |
| instance | h, w | gamma and beta per channel |
| rms | c, h, w (root mean square only) | gamma per channel |
| ghost | the n of its chunk, h, w | gamma and beta per channel |
| noisy | n, h, w; then a random scale and shift | gamma and beta per channel |
"""
