"""``python -m benchmarks``: the command line."""

import signal

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback while the command line is loaded

    from benchmarks.cli.app import main

    main()
