"""What things cost, measured in one run and given as ratios where machines differ."""
