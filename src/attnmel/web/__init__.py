"""The page of `attnmel serve` and its JSON API: images in memory, exported models, nothing stored or sent. No torch."""
