"""OpenAI's chat completions, with what Moonshot's clients know of it: `/v1/chat/completions`."""
