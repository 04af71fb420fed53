"""The command line: Typer commands, the live view, plain lines. Shows runs; decides nothing."""
