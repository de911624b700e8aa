//! The derivatives of a product to fourth order: those of a polynomial that is linear in each factor,
//! wherever factors are 0.

use sinew_ir::{
    Array, Axis, Block, Builder, DType, Function, Param, Type, derive_pullback, interpret, ops,
};
use sinew_testing::{difference, with_gradients};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The product of all elements of `x`.
fn product(shape: &[usize]) -> Result<Function, Box<dyn std::error::Error>> {
    let mut b = Builder::default();
    let x = b.value(Type::from_extents(DType::F64, shape));
    let axes: Vec<Axis> = (0..shape.len()).map(Axis::At).collect();
    let y = b.over(ops::PROD, x, &axes)?;
    Ok(Function {
        name: "product".to_string(),
        params: vec![Param::input("x")],
        values: b.values,
        body: Block::body(1, b.insts, vec![y]),
        ..Function::default()
    })
}

/// The gradient in `x` of what the one result is along a cotangent, which is a further parameter.
fn gradient(mut f: Function) -> Result<Function, Box<dyn std::error::Error>> {
    derive_pullback(&mut f, &|_| None)?;
    let mut with = with_gradients(&f).ok_or("no calls are here")?;
    with.body.results = vec![with.body.results[1]];
    Ok(with)
}

/// The derivative of the product by the factors in `gone`, along the directions one after the other.
fn expected(x: &[f64], gone: &mut Vec<usize>, directions: &[Vec<f64>]) -> f64 {
    let Some((direction, rest)) = directions.split_last() else {
        let others = x.iter().enumerate().filter(|(i, _)| !gone.contains(i));
        return others.map(|(_, x)| x).product();
    };
    let mut sum = 0.0;
    for (i, step) in direction.iter().enumerate() {
        if !gone.contains(&i) {
            gone.push(i);
            sum += step * expected(x, gone, rest);
            gone.pop();
        }
    }
    sum
}

#[test]
fn derivatives_of_products_are_right_at_every_order() -> Outcome {
    let rows: [&[f64]; 6] = [
        &[2.0, -1.0, 0.5, 3.0, -0.25, 1.5],
        &[2.0, 0.0, 0.5, 3.0, -0.25, 1.5],
        &[2.0, 0.0, 0.5, 0.0, -0.25, 1.5],
        &[0.0, 0.0, 0.5, 3.0, 0.0, 1.5],
        &[0.0, 2.0, 0.0, 0.0, 0.0, 1.5],
        &[0.0; 6],
    ];
    let shapes: [&[usize]; 3] = [&[6], &[2, 3], &[3, 1, 2]];
    for (row, shape) in rows
        .iter()
        .flat_map(|row| shapes.map(|shape| (*row, shape)))
    {
        let array = |shape: &[usize], data: &[f64]| {
            Array::new(DType::F64, shape, data.to_vec()).expect("as many elements")
        };
        let mut f = gradient(product(shape)?)?;
        let mut inputs = vec![array(shape, row), array(&[], &[1.0])];
        let mut directions: Vec<Vec<f64>> = Vec::new();
        for order in 1..=4 {
            let found = interpret(&f, &inputs)?;
            let slope = |i| expected(row, &mut vec![i], &directions);
            let slopes: Vec<f64> = (0..row.len()).map(slope).collect();
            let wrong = difference(&found[0], &array(shape, &slopes), 1e-12, 1e-12);
            assert_eq!(wrong, None, "{row:?} {shape:?}, order {order}");
            let direction: Vec<f64> = (0..row.len())
                .map(|i| 1.0 + 0.5 * i as f64 - 0.25 * order as f64)
                .collect();
            inputs.push(array(shape, &direction));
            directions.push(direction);
            f = gradient(f)?;
        }
    }
    Ok(())
}
