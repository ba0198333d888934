"""What probes keep of a run: one class per probe, for its writer and all its readers.

`contract` says what such a class is; every other file is one probe.
"""
