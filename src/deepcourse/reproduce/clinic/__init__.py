"""What `ham10000_transfer` is made of: data, networks, heads, metrics, report."""
