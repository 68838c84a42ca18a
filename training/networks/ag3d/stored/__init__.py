"""Training behind stored maps: patches and whole scans that passed the first part of the network once."""
