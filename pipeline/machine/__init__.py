"""What a stage computes on: device, threads, precision, allocator."""
