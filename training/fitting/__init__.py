"""Training: the learner and the schedule that every network shares."""
