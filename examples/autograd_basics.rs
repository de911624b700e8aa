//! A value, its derivatives, and the program that computes them.
//!
//! `z = x * y + x` at x = 2, y = 3 is 8; its derivatives are y + 1 = 4 and x = 2.

use sinew::prelude::*;

#[model]
struct Point {
    #[init(ones)]
    x: Param,
    #[init(ones)]
    y: Param,
}

#[model]
fn z(p: &Point) -> Tensor {
    p.x * p.y + p.x
}

fn main() -> sinew::Result<()> {
    let mut point = Point::init(0);
    point.x.fill(2.0);
    point.y.fill(3.0);

    println!("z     = {}", z(&point)?);
    let gradient = z::gradient(&point)?;
    println!("dz/dx = {}", gradient.x.item()?);
    println!("dz/dy = {}", gradient.y.item()?);
    println!("\n{}", z::pullback()?);
    Ok(())
}
