"""Why a network marks a place, or why not."""
