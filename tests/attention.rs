//! Attention: PyTorch's values and derivatives, grouped queries against heads that are repeated, differences.

use crate::differences::numbers;
use crate::floats::{close, floats};
use safetensors::SafeTensors;
use sinew::ndarray::{Array, Array4, ArrayD, array, s};
use sinew::ops::{scaled_dot_product_attention, where_causal};
use sinew::prelude::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ops.safetensors");

/// A tensor of the file; bools as 0 and 1.
fn tensor(name: &str) -> ArrayD<f64> {
    let bytes = std::fs::read(FILE).expect("a file of the tests");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let view = file.tensor(name).expect(name);
    let values = match view.dtype() {
        safetensors::Dtype::BOOL => view.data().iter().map(|b| f64::from(*b)).collect(),
        _ => {
            let words = view.data().as_chunks().0.iter();
            words.map(|w| f64::from_le_bytes(*w)).collect()
        }
    };
    ArrayD::from_shape_vec(view.shape(), values).expect("as many as in the shape")
}

#[model]
fn causal_case(
    q: Tensor<2, 2, 5, 4>,
    k: Tensor<2, 2, 5, 4>,
    v: Tensor<2, 2, 5, 4>,
    y: Tensor<2, 2, 5, 4>,
) -> (
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
) {
    let (seen, (by_q, by_k, by_v)) = vjp(
        |q, k, v| scaled_dot_product_attention(q, k, v, causal = true),
        q,
        k,
        v,
        y,
    );
    (seen, by_q, by_k, by_v)
}

#[model]
fn masked_case(
    q: Tensor<2, 2, 5, 4>,
    k: Tensor<2, 2, 5, 4>,
    v: Tensor<2, 2, 5, 4>,
    mask: Tensor<5, 5>,
    y: Tensor<2, 2, 5, 4>,
) -> (
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
    Tensor<2, 2, 5, 4>,
) {
    let (seen, (by_q, by_k, by_v)) = vjp(
        |q, k, v| scaled_dot_product_attention(q, k, v, mask != 0.0),
        q,
        k,
        v,
        y,
    );
    (seen, by_q, by_k, by_v)
}

#[model]
fn softmax_case(
    x: Tensor<2, 3, 5, 5>,
    y: Tensor<2, 3, 5, 5>,
) -> (Tensor<2, 3, 5, 5>, Tensor<2, 3, 5, 5>) {
    vjp(|x| x.softmax_causal(), x, y)
}

#[test]
fn attention_is_pytorchs() -> sinew::Result<()> {
    let compare = |case: &str, kinds: &[&str], found: Vec<Array4<f64>>, tolerance: f64| {
        for (kind, found) in kinds.iter().zip(found) {
            let expected: Vec<f64> = tensor(&format!("{case}/{kind}")).into_iter().collect();
            let found: Vec<f64> = found.into_iter().collect();
            close(&format!("{case}/{kind}"), &found, &expected, tolerance);
        }
    };
    let kinds = ["out/0", "grad/q", "grad/k", "grad/v"];
    for (device, precision, tolerance) in floats() {
        let of = |case: &str, kind: &str| tensor(&format!("{case}/{kind}"));
        let [q, k, v, y] =
            ["in/q", "in/k", "in/v", "cot/0"].map(|kind| of("attention_causal", kind));
        let run = causal_case::compile().precision(precision);
        let run = run.device(device.clone()).build()?;
        let (seen, by_q, by_k, by_v) = run.run_f64(&q, &k, &v, &y)?;
        compare(
            "attention_causal",
            &kinds,
            vec![seen, by_q, by_k, by_v],
            tolerance,
        );

        let [q, k, v, y] = ["in/q", "in/k", "in/v", "cot/0"].map(|kind| of("attention_mask", kind));
        let mask = of("attention_mask", "in/mask");
        let run = masked_case::compile().precision(precision);
        let run = run.device(device.clone()).build()?;
        let (seen, by_q, by_k, by_v) = run.run_f64(&q, &k, &v, &mask, &y)?;
        compare(
            "attention_mask",
            &kinds,
            vec![seen, by_q, by_k, by_v],
            tolerance,
        );

        let [x, y] = ["in/x", "cot/0"].map(|kind| of("softmax_causal", kind));
        let run = softmax_case::compile().precision(precision);
        let run = run.device(device).build()?;
        let (shares, by_x) = run.run_f64(&x, &y)?;
        compare(
            "softmax_causal",
            &["out/0", "grad/x"],
            vec![shares, by_x],
            tolerance,
        );
    }
    Ok(())
}

#[model]
fn grouped<B, T, S, D>(
    q: Tensor<B, 6, T, D>,
    k: Tensor<B, 2, S, D>,
    v: Tensor<B, 2, S, 3>,
    mask: Tensor<T, S>,
) -> Tensor<B, 6, T, 3> {
    scaled_dot_product_attention(q, k, v, mask, causal = true, scale = 0.5)
}

/// The sums written out: head h of q sees head h / 3 of k and v; the mask is added.
#[test]
fn groups_of_queries_share_keys() -> sinew::Result<()> {
    let (b, t, s, d) = (2, 5, 7, 4);
    let q = Array::from_shape_vec((b, 6, t, d), numbers(b * 6 * t * d, 0.1)).expect("as many");
    let k = Array::from_shape_vec((b, 2, s, d), numbers(b * 2 * s * d, 0.2)).expect("as many");
    let v = Array::from_shape_vec((b, 2, s, 3), numbers(b * 2 * s * 3, 0.3)).expect("as many");
    let mask = Array::from_shape_vec((t, s), numbers(t * s, 0.4)).expect("as many");
    let expected = Array::from_shape_fn((b, 6, t, 3), |(b, h, i, e)| {
        let score = |j: usize| {
            let dot: f64 = (0..d).map(|c| q[(b, h, i, c)] * k[(b, h / 3, j, c)]).sum();
            (0.5 * dot + mask[(i, j)]).exp()
        };
        let all: f64 = (0..=i).map(score).sum();
        (0..=i).map(|j| score(j) / all * v[(b, h / 3, j, e)]).sum()
    });
    let expected: Vec<f64> = expected.into_iter().collect();
    for (device, precision, tolerance) in floats() {
        let run = grouped::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let found: Vec<f64> = run.run_f64(&q, &k, &v, &mask)?.into_iter().collect();
        close("grouped", &found, &expected, tolerance);
    }
    Ok(())
}

#[model]
fn blind<T, S>(
    q: Tensor<T, 2>,
    k: Tensor<S, 2>,
    allowed: Tensor<T, S>,
) -> (Tensor<T, 2>, Tensor<T, 2>) {
    let of = scaled_dot_product_attention(q, k, k, allowed > 0);
    (
        of,
        grad(
            |q| scaled_dot_product_attention(q, k, k, allowed > 0).sum(),
            q,
        ),
    )
}

/// As PyTorch's, whose softmax of nothing is 0 there.
#[test]
fn who_sees_nothing_gets_zeros() -> sinew::Result<()> {
    for (device, precision, _) in floats() {
        let run = blind::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let (found, by_q) = run.run_f64(
            [[1.0, 2.0], [3.0, 4.0]],
            [[1.0, 0.0], [7.0, 8.0]],
            [[0.0, 0.0], [1.0, 0.0]],
        )?;
        assert_eq!(found, array![[0.0, 0.0], [1.0, 0.0]]);
        assert_eq!(by_q, array![[0.0, 0.0], [0.0, 0.0]]);
    }
    Ok(())
}

#[model]
fn dropped<T, D>(x: Tensor<T, D>) -> Tensor<T, D> {
    scaled_dot_product_attention(x, x, x, dropout = 0.5)
}

#[model]
fn kept<T, D>(x: Tensor<T, D>) -> Tensor<T, D> {
    scaled_dot_product_attention(x, x, x)
}

#[test]
fn weights_are_left_out_in_training_alone() -> sinew::Result<()> {
    let x = [[0.5, 1.0, -1.0], [2.0, 0.25, 0.0]];
    assert_eq!(dropped(x)?, kept(x)?);
    Ok(())
}

#[model]
fn there_and_back<S, T, H, D>(
    x: Tensor<[S], T, { H * D }>,
    y: Tensor<H, D>,
) -> Tensor<[S], T, { H * D }> {
    (x.split_heads(H) * y.unsqueeze(1)).merge_heads()
}

#[test]
fn heads_are_split_and_merged() -> sinew::Result<()> {
    let x = array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]].into_dyn();
    let found = there_and_back(&x, [[1.0, 2.0], [3.0, 4.0]])?;
    assert_eq!(
        found,
        array![[1.0, 4.0, 9.0, 16.0], [5.0, 12.0, 21.0, 32.0]].into_dyn()
    );
    Ok(())
}

differences!(seen_by_grouped_queries: |x: [4, 3, 3], w: [2, 5, 3]| scaled_dot_product_attention(x, w, w.cos(), causal = true));
differences!(seen_through_a_mask: |x: [1, 7, 1], w: [2, 7, 1]| scaled_dot_product_attention(x, w, x * w, where_causal(x + w.swapaxes(-1, -2), -2.0)));

/// Six heads over two of keys and values, with all derivatives.
#[model]
fn of_six<B, T, D>(
    q: Tensor<B, 6, T, D>,
    k: Tensor<B, 2, T, D>,
    v: Tensor<B, 2, T, D>,
    y: Tensor<B, 6, T, D>,
) -> (
    Tensor<B, 6, T, D>,
    Tensor<B, 6, T, D>,
    Tensor<B, 2, T, D>,
    Tensor<B, 2, T, D>,
) {
    let (seen, (by_q, by_k, by_v)) = vjp(
        |q, k, v| scaled_dot_product_attention(q, k, v, causal = true),
        q,
        k,
        v,
        y,
    );
    (seen, by_q, by_k, by_v)
}

/// The same for three heads over one.
#[model]
fn of_three<T, D>(
    q: Tensor<1, 3, T, D>,
    k: Tensor<1, 1, T, D>,
    v: Tensor<1, 1, T, D>,
    y: Tensor<1, 3, T, D>,
) -> (
    Tensor<1, 3, T, D>,
    Tensor<1, 3, T, D>,
    Tensor<1, 1, T, D>,
    Tensor<1, 1, T, D>,
) {
    let (seen, (by_q, by_k, by_v)) = vjp(
        |q, k, v| scaled_dot_product_attention(q, k, v, causal = true),
        q,
        k,
        v,
        y,
    );
    (seen, by_q, by_k, by_v)
}

/// So many weights are computed head by head, and again for the derivatives: with values as when few heads are
/// computed at once.
#[test]
fn many_heads_are_as_few_at_once() -> sinew::Result<()> {
    let (b, t, d) = (2, 210, 7);
    let of = |heads: usize, seed: f64| {
        let numbers = numbers(b * heads * t * d, seed);
        Array::from_shape_vec((b, heads, t, d), numbers).expect("as many")
    };
    let [q, k, v, y] = [of(6, 0.1), of(2, 0.2), of(2, 0.3), of(6, 0.4)];
    for (device, precision, tolerance) in floats() {
        let many = of_six::compile().precision(precision);
        let many = many.device(device.clone()).build()?;
        let few = of_three::compile().precision(precision);
        let few = few.device(device).build()?;
        let (seen, by_q, by_k, by_v) = many.run_f64(&q, &k, &v, &y)?;
        for (b, group) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let heads = 3 * group..3 * group + 3;
            let of = |x: &Array4<f64>| x.slice(s![b..b + 1, heads.clone(), .., ..]).to_owned();
            let over = |x: &Array4<f64>| x.slice(s![b..b + 1, group..group + 1, .., ..]).to_owned();
            let found = [of(&seen), of(&by_q), over(&by_k), over(&by_v)];
            let alone = few.run_f64(of(&q), over(&k), over(&v), of(&y))?;
            let alone = [alone.0, alone.1, alone.2, alone.3];
            for (what, (found, alone)) in found.iter().zip(&alone).enumerate() {
                let [found, alone] = [found, alone].map(|x| x.iter().copied().collect::<Vec<_>>());
                close(&format!("result {what}"), &found, &alone, tolerance);
            }
        }
    }
    Ok(())
}
