"""Truth beside an image: nodules to be found, what counts neither way, and who said so."""
