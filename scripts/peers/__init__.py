"""What bench_peers.py plays its attacks on, and the attacks."""
