"""The proof: real processes, everything killed and cut in turn, then an audit of every message."""
