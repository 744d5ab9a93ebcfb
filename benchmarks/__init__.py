"""Speed as ratios: what the library needs against a floor or a peer, measured in the same run."""
