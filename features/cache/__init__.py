"""MFCC tensors on disk, made once and read by everybody."""
