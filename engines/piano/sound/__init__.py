"""Notes to samples: instruments, mixing, WAV files. NumPy only; a SoundFont is read by symusic where there is one."""
