"""The five networks, a folder for each paper."""
