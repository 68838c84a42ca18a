"""A page of one case for people: key images, findings, measurements, calculators; HTML and PDF, English and German."""
