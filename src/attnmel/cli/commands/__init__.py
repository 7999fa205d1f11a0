"""The commands, one file a stage: parse the options, call the pipeline, print."""
