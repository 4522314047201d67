"""The provider-neutral sync engine: what every accounting plugin shares. These are its public names."""
