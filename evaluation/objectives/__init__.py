"""A study of adversarial objectives under one budget, as Lucic et al. made one of images (2018)."""
