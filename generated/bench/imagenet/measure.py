"""Measures reading of a data set by a generated PyTorch package: indexing, memory of an image, images decoded a second, what a subset has.

usage: measure.py PACKAGE DATA SUBSET IMAGES    (in the package's folder)
"""
import collections
import importlib
import resource
import sys
import time

import torch

name, folder, subset, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
part = lambda module: importlib.import_module(f"{name}.{module}")
data, files = part("data"), part("files")
torch.set_num_threads(1)


def memory():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


before, start = memory(), time.monotonic()
images = files.open_images(folder, "train")
spent, kept = time.monotonic() - start, memory() - before
shards = len(images.index.files)
print(f"index: {len(images):,} images in {shards:,} shards in {spent:.1f} s, {1000 * spent / shards:.1f} ms a shard; {sum(c.nbytes for c in images.index[2:]) / len(images):.0f} bytes an image, all memory that grew is {kept / len(images):.0f}")
classes = collections.Counter(data.take(files.open_images(folder, "test"), subset).labels.tolist())
print(f"subset: {subset:,} test images have {len(classes):,} classes, of each {min(classes.values())} to {max(classes.values())}")
fresh, start = files.open_images(folder, "test"), time.process_time()
fresh.batch(range(min(n, 200)))
print(f"decoding: {1000 * (time.process_time() - start) / min(n, 200):.1f} ms of a processor for an image of {fresh.index.size.mean() / 1000:.0f} KB")
for workers in (1, 2):
    fresh = files.open_images(folder, "test")  # its images are in no cache
    lists = [range(k, k + 16) for k in range(0, n, 16)]
    start = time.monotonic()
    for _ in data.loaded(data.Batches(fresh, lists), workers):
        pass
    print(f"decoding: {n / (time.monotonic() - start):.0f} images/s with {workers} workers")
