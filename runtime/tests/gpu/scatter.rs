//! Scatters.
