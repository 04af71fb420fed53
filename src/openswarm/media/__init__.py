"""Pictures and videos as bytes, decoded strictly and within bounds. Knows no model and no wire."""
