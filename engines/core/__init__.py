"""What every topic shares: specs, jobs, devices, data, weights, runs."""
