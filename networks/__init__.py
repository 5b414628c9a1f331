"""What is a network, what may be asked of it, and what does its answer mean? No models."""
