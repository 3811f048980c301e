"""The web page on this machine: what is mounted, what is called, what is hidden and why. Loopback only."""
