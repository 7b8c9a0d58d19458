"""Steps in PyTorch, compiled."""

import torch
import torch_steps

version = torch_steps.version


def load(question):
    torch._dynamo.reset()
    return torch_steps.load(question, torch.compile)
