"""Playing what the piano panel shows: transport, clock and sinks know no Qt; only `player` does."""
