"""A worker as a team that tunes its Python writes it: orjson, fastavro, one process per core.

It shares nothing with the job but the ``.avsc`` files. Optional values are pairs of branch and value, fastavro's
notation for unions: without it, it tries every branch of a union, which costs a third more.
"""
