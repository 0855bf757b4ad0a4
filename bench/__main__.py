"""`make bench`: what there is to measure, one after the other."""

from bench.relay import run

if __name__ == "__main__":
    run()
