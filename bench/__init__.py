"""How fast the model runs, against its goals and against ordinary Mesa agents. `make bench` runs bench/run.py."""
