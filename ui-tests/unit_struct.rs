use sinew::prelude::*;

#[model]
struct Net;

fn main() {}
