#!/usr/bin/env python3
"""Train, prune and export the bundled digits model.

Data: scikit-learn's digits (1797 pictures of 8x8 pixels, values 0..16, from the UCI Optical Recognition of Handwritten Digits set, CC BY 4.0).
Needs Debian's python3-torch and python3-sklearn. Writes beside this file:
  digits.onnx           the pruned network, opset 13, input [1,1,8,8] float32 in 0..1, output 10 logits
  digits_calibrate.npz  x[64,1,8,8] from the training part
  digits_test.npz       x[360,1,8,8], y[360] held out from training
The result depends on the version of torch; the committed files are those that the README's figures come from.
"""
import argparse
import pathlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent


class Net(nn.Module):
    """Three convolutions, the third with a shortcut around it, and one fully connected layer."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        x = torch.max_pool2d(x, 2)
        x = torch.relu(self.conv3(x) + x)
        return self.fc(torch.flatten(x, 1))


def masks_by_magnitude(net, keep):
    """Keep the largest `keep` of each layer's weights; the first layer stays dense."""
    masks = {}
    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and name != "conv1":
            w = module.weight.detach().abs().flatten()
            threshold = w.kthvalue(int(len(w) * (1 - keep))).values
            masks[name] = (module.weight.detach().abs() > threshold).float()
    return masks


def apply_masks(net, masks):
    with torch.no_grad():
        for name, module in net.named_modules():
            if name in masks:
                module.weight *= masks[name]


def train(net, x, y, epochs, rate, masks=None):
    optimiser = torch.optim.Adam(net.parameters(), lr=rate, weight_decay=1e-4)
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 64):
            batch = order[start : start + 64]
            optimiser.zero_grad()
            loss_of(net(x[batch]), y[batch]).backward()
            optimiser.step()
            if masks:
                apply_masks(net, masks)


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=float, default=0.25, help="share of weights kept in each pruned layer")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)

    digits = load_digits()
    x = torch.tensor(digits.images / 16.0, dtype=torch.float32)[:, None]
    y = torch.tensor(digits.target)
    order = torch.tensor(np.random.RandomState(0).permutation(len(x)))
    test, rest = order[:360], order[360:]

    net = Net()
    train(net, x[rest], y[rest], 30, 2e-3)
    print(f"dense: held-out accuracy {accuracy(net, x[test], y[test]):.4f}")
    for keep in (0.6, 0.4, args.keep):
        masks = masks_by_magnitude(net, keep)
        apply_masks(net, masks)
        train(net, x[rest], y[rest], 12, 1e-3, masks)
    print(f"pruned to {args.keep:.0%}: held-out accuracy {accuracy(net, x[test], y[test]):.4f}")

    torch.onnx.export(net.eval(), torch.zeros(1, 1, 8, 8), str(args.out / "digits.onnx"), opset_version=13,
                      input_names=["image"], output_names=["logits"])
    np.savez_compressed(args.out / "digits_calibrate.npz", x=x[rest[:64]].numpy())
    np.savez_compressed(args.out / "digits_test.npz", x=x[test].numpy(), y=y[test].numpy().astype(np.int64))


if __name__ == "__main__":
    main()
