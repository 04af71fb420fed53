"""The event log of a run, the only truth: append, blobs, fold, tail, lock, index."""
