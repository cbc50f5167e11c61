"""Bad input by chance: what the fuzzer sends, and how it looks at what comes of it."""
