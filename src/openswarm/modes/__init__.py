"""The modes of a run, the choice between them, and where a run is put together."""
