"""Time of one LeNet-5 training step in PyTorch eager on random data: pytorch_lenet.py [seconds] [batch].

The same net, loss and update as experiments/fashion_mnist/lenet5.json. Prints one line like bench_step_time's.
"""
import sys
import time

import torch
from torch import nn

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
batch = int(sys.argv[2]) if len(sys.argv) > 2 else 64
torch.manual_seed(1)
net = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
    nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
loss_of = nn.CrossEntropyLoss()
images, labels = torch.rand(60000, 1, 28, 28), torch.randint(10, (60000,))
order = torch.randperm(60000)


def steps(n, number=[0]):
    start = time.perf_counter()
    for _ in range(n):
        at = number[0] * batch % (60000 - batch)
        rows = order[at:at + batch]
        number[0] += 1
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


steps(3)
n = max(1, int(0.05 / (steps(3) / 3)))
times = []
while sum(times) * n < seconds:
    times.append(steps(n) / n)
times.sort()
median = times[len(times) // 2]
print(f"{median * 1e3:.4f} ms per step of {batch} samples, {batch / median:.0f} samples/s (fastest {times[0] * 1e3:.4f} ms), {torch.get_num_threads()} threads")
