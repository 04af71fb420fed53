"""OpenAI's Responses format as a server: the part of it that coding clients use."""
