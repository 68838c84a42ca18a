"""Guidelines and risk models for lung nodules as pure functions of what a person and a measurement say."""
