"""Writes torch tensors as float16 safetensors, with notes as metadata."""
import json, struct


def save(path, tensors, notes):
    header, blobs, at = {"__metadata__": notes}, [], 0
    for name, t in tensors.items():
        blob = t.half().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
