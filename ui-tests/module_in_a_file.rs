use sinew::prelude::*;

#[model]
mod net;

fn main() {}
