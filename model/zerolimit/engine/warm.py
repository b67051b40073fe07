"""python -m zerolimit.engine.warm: compile the ordinary month into the cache, so that what follows starts at once."""

from zerolimit.engine.compiled import ordinary_loops

if __name__ == "__main__":
    ordinary_loops().compile_all(print)
