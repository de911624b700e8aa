use sinew::prelude::*;

#[model]
#[rustfmt::skip]
mod net {
    use sinew::prelude::*;
    pub struct Four { #[init(ones)] a: Param, #[init(ones)] b: Param, #[init(ones)] c: Param, #[init(ones)] d: Param }
    pub struct A { a: Four, b: Four, c: Four, d: Four, e: Four, f: Four, g: Four, h: Four }
    pub struct B { a: A, b: A, c: A, d: A, e: A, f: A, g: A, h: A }
    pub struct C { a: B, b: B, c: B, d: B, e: B, f: B, g: B, h: B }
    pub struct D { a: C, b: C, c: C, d: C, e: C, f: C, g: C, h: C }
    pub struct E { a: D, b: D }
    pub fn f(m: &E, x: Tensor) -> Tensor { x }
}

fn main() {}
