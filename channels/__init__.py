"""The log and how it is followed; knows nothing of news."""
