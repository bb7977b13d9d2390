"""The profile and its tables: what may stay, as data. What is done to a value is said in `engine`."""
