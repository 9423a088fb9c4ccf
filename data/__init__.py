"""Everything between a folder of recordings and a Batch. Imports configs only."""
