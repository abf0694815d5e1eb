"""What a user would run instead of the job: hand-written workers that make the same files from the same corpus.

They apply all rules, and their archives must equal the job's, record by record (:mod:`bench.peers.compare`). They promise
less: each worker writes containers of its own, so there are as many of a type and date as workers; nothing rolls at a
byte limit, a replay would write other names, and no delivery record tells that a batch is complete.
"""
