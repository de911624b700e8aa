//! Contractions on a grid of sizes.
