"""What a process computes with: threads, device, precision, seeds and memory."""
