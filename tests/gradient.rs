//! `f::gradient(&model, ..)` and plain calls: values and derivatives without a trainer.

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

#[model]
fn weighted(p: &Point, by: Tensor) -> Tensor {
    by * z(p)
}

#[test]
fn a_product_rule() -> sinew::Result<()> {
    let mut point = Point::init(0);
    point.x.fill(2.0);
    point.y.fill(3.0);
    assert_eq!(z(&point)?, 8.0);
    let by = z::gradient(&point)?;
    assert_eq!((by.x.item()?, by.y.item()?), (4.0, 2.0));
    assert_eq!(weighted(&point, 0.5)?, 4.0);
    let by = weighted::gradient(&point, 0.5)?;
    assert_eq!((by.x.item()?, by.y.item()?), (2.0, 1.0));
    Ok(())
}
