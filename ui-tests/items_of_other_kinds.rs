use sinew::prelude::*;

#[model]
union Bits {
    i: u32,
    f: f32,
}

#[model]
static WIDTH: usize = 8;

#[model]
use std::fmt::Debug;

#[model]
macro_rules! layer {
    () => {};
}

fn main() {}
