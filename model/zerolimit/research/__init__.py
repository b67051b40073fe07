"""What a study of credit needs each time, on the frames of runs: event studies, survival curves, bands over seeds."""
