//! Maps and row reductions.
