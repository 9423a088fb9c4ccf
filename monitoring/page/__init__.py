"""The curves page: one HTML file and one picture of one or more runs, with their diagnoses."""
