use sinew::prelude::*;

#[model]
const WIDTH: usize = 64;

fn main() {}
