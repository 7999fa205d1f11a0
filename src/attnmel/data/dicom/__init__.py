"""DICOM files -> pictures, attributes of subgroups, and results as DICOM. No torch.

Only `frames` may be imported without pydicom; the others are loaded by `require_reader`.
"""
