"""MHub's containers of detectors on CT: run without a network and without rights, and what they write read as findings."""
