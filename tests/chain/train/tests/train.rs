//! A model of three crates trains.

use ndarray::{Array1, Array2};
use sinew::prelude::*;
use sinew_chain_train::{Scaled, loss, probability};

#[test]
fn a_model_of_three_crates_trains() -> sinew::Result<()> {
    let x = Array2::from_shape_fn((32, 8), |(i, j)| {
        ((i * 5 + j * 11) % 17) as f32 / 17.0 - 0.5
    });
    let y: Array1<i32> = x
        .rows()
        .into_iter()
        .map(|r| i32::from(r.sum() > 0.0))
        .collect();
    let model = Scaled::init(1);
    let mut paths = Vec::new();
    model.visit("", &mut |path, _| paths.push(path.to_string()));
    let expected = [
        "inputs.factor",
        "model.block.map.w",
        "model.block.map.b",
        "model.block.secret.shift",
        "model.block.factors.factor",
        "model.out.w",
        "model.out.b",
    ];
    assert_eq!(paths, expected);

    let mut train = loss::train(model).optimizer(AdamW::new(2e-2)).build()?;
    let predict = probability::attach(&train)?;
    let first = train.step(&x, &y)?.loss;
    for _ in 0..200 {
        train.step(&x, &y)?;
    }
    let last = train.step(&x, &y)?.loss;
    assert!(last < 0.2 * first, "{first} to {last}");
    let p = predict.run(&x)?;
    let right = p
        .iter()
        .zip(&y)
        .filter(|(p, y)| i32::from(**p > 0.5) == **y)
        .count();
    assert!(right >= 30, "{right} of 32");
    Ok(())
}

#[test]
fn what_has_no_derivative_is_called_through_two_crates() -> sinew::Result<()> {
    use sinew_chain_model::{Classifier, objective};
    use sinew_chain_train::told;
    let (model, x, y) = (Classifier::init(3), [[0.5f32; 8], [-0.5; 8]], [0, 1]);
    let (loss, right) = told(&model, x, y)?;
    assert_eq!(loss, objective(&model, x, y)?);
    assert!([0.0, 0.5, 1.0].contains(&right), "{right}");
    Ok(())
}

#[test]
fn consts_of_one_name_in_two_crates_are_two_numbers() -> sinew::Result<()> {
    use sinew_chain_model::rescaled;
    let y = rescaled([2.0f32; 16])?;
    assert!(y.iter().all(|y| *y == 17.5), "{y}");
    // One const is a size and a number: two symbols.
    assert!(
        rescaled::IR
            .starts_with("fn @rescaled<[S], const WIDTH, const FACTOR: f64, const WIDTH_2: f64>(")
    );
    let inlined = rescaled::pullback()?;
    assert!(inlined.starts_with("fn @rescaled<[S]>(%x: float[[S], 16])"));
    for number in ["value 0.25 ", "value 3 "] {
        assert!(inlined.contains(number), "{number} is not in {inlined}");
    }
    Ok(())
}

#[test]
fn a_private_rule_is_the_derivative_in_other_crates() -> sinew::Result<()> {
    use sinew_chain_model::bounded;
    let (x, y) = ([0.1f32, 2.0], bounded([0.1f32, 2.0])?);
    assert!((y - 1.3).abs() < 1e-6, "{y}");
    // Where it is clamped too.
    assert_eq!(bounded::gradient_by_inputs(x)?.to_vec(), [3.0, 3.0]);
    Ok(())
}
