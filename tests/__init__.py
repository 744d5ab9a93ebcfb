"""The tests, in the rows of the house."""
