"""Studies that lie on a server: found by listing, fetched and read by workers, known again without being fetched."""
