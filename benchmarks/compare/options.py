"""What the options of the programs that record their runs have in common."""


def check(parser, options, least):
    """Refuse numbers below the least by name, and options that contradict each other."""
    for name, value in least.items():
        if getattr(options, name) < value:
            option = f"--{name.replace('_', '-')}"
            parser.error(
                f"{option} must be at least {value}, got {vars(options)[name]}"
            )
    if options.resume and not options.json:
        parser.error("--resume needs the --json of the run to go on with")
    if options.write and options.quick:
        parser.error("--write is for figures, --quick gives none")
