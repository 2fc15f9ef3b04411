"""What an ensemble looks at in each device beside its protocol: states, jumps between them, probes."""
