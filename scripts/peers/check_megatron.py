"""Reads an indexed dataset with megatron-core's own IndexedDataset, or writes one with its builder.

usage: check_megatron.py PREFIX…          prints of each its dtype, documents, tokens and a CRC of all ids
       check_megatron.py --write PREFIX   writes PREFIX-DTYPE for several types: 20 documents of 1 to 3 sequences each,
                                          ids counting 0 to 99 over and over
"""

import sys
import warnings
import zlib

import numpy
import torch

warnings.filterwarnings("ignore")  # of absent GPU libraries
from megatron.core.datasets.indexed_dataset import IndexedDataset, IndexedDatasetBuilder  # noqa: E402


def read(prefix):
    dataset = IndexedDataset(prefix)
    documents = dataset.document_indices
    crc, tokens = 0, 0
    for first, end in zip(documents[:-1], documents[1:]):
        ids = numpy.concatenate([dataset[i] for i in range(first, end)])
        crc = zlib.crc32(("".join(f"{i} " for i in ids) + "\n").encode(), crc)
        tokens += len(ids)
    print(numpy.dtype(dataset.index.dtype).name, len(documents) - 1, tokens, f"{crc:x}")


def write(dtype, prefix):
    builder = IndexedDatasetBuilder(f"{prefix}.bin", dtype=numpy.dtype(dtype).type)
    following = 0
    for document in range(20):
        for length in (document % 3, document % 4, 1):
            if length:
                builder.add_item(torch.arange(following, following + length) % 100)
                following += length
        builder.end_document()
    builder.finalize(f"{prefix}.idx")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--write":
        for dtype in ("uint8", "uint16", "int32", "int64"):
            write(dtype, f"{sys.argv[2]}-{dtype}")
    elif len(sys.argv) > 1:
        for prefix in sys.argv[1:]:
            read(prefix)
    else:
        sys.exit(__doc__)
