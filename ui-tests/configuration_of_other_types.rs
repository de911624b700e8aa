use sinew::prelude::*;

#[model]
struct Net {
    count: i32,
    rates: [f32; 4],
}

fn main() {}
