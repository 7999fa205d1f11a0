"""`python -m attnmel` is `attnmel`."""

from attnmel.cli import main

if __name__ == "__main__":
    main()
