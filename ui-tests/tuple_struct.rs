use sinew::prelude::*;

#[model]
struct Net(Linear<64, 128>, Linear<128, 10>);

fn main() {}
