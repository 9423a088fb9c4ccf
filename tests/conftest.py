"""What every test shares."""

import torch

# The tensors here are small: on a busy machine a second thread costs far more in waiting than it saves in work.
torch.set_num_threads(1)
