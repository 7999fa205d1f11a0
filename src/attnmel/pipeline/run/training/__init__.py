"""What a training writes into its run folder: history, events, the state to resume from."""
