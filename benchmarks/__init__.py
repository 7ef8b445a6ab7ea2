"""What a claim of speed rests on: ratios within one run, on the machine at hand."""
