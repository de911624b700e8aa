//! Side-by-side benchmarks of Sinew and its peers
fn main() {}
