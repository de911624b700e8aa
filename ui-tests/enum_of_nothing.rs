use sinew::prelude::*;

#[model]
enum Activation {}

fn main() {}
