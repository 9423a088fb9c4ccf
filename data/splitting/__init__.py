"""Long recordings cut into sentences: at silences, where an aligner and the pace of the speech say that each ends."""
