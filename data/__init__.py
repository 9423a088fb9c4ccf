"""Everything between a folder of recordings and a Batch."""
