"""The parts of ``window.py``, each for a process of its own."""
