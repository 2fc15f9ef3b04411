"""The command line, as ``frenkel`` and as ``python -m frenkel``."""

from .imports import index_folders

index_folders()

from .cli.main import main  # noqa: E402, so that its modules are found with few file calls, too

if __name__ == "__main__":
    raise SystemExit(main())
