"""`python -m backline` works from a checkout, where nothing is installed."""

from backline.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
