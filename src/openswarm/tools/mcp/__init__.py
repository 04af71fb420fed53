"""Tools of MCP servers: reads their configuration, starts or reaches them, calls through them."""
