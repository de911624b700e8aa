use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
}

#[model]
impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a net")
    }
}

fn main() {}
