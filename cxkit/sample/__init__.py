"""The seeded sample data set, and the truths that are planted in it."""
