//! What `signature` says that a call takes.

use sinew::prelude::*;

const HIDDEN: usize = 32;

#[model]
struct Digits {
    hidden: Linear<64, HIDDEN>,
    out: Linear<HIDDEN, 10>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn distance<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<B, 10>) -> Tensor {
    let off = logits(m, x) - y;
    (off * off).mean()
}

#[model]
struct Stack<D, Layers> {
    layers: [Linear<D, D>; Layers],
}

#[model]
fn deep<B, D, Layers>(m: &Stack<D, Layers>, x: Tensor<B, D>) -> Tensor<B, D> {
    let mut h = x;
    for layer in &m.layers {
        h = layer.forward(h);
    }
    h
}

#[model]
fn attention<T, D>(
    q: Tensor<T, D>,
    k: Tensor<T, D>,
    ids: Tensor<i32, T>,
) -> (Tensor<T, T>, Tensor<i32, T>) {
    (einsum("td,sd->ts", q, k), ids + 1)
}

#[model]
fn squares<B, D>(x: Tensor<B, D>) -> Tensor<B> {
    vmap(|x| x.square().sum(), x)
}

fn lines(signature: &str) -> Vec<&str> {
    signature.lines().skip(1).collect()
}

/// A matrix product of (B, 64) and (64, 32) is 2 * 64 * 32 for each row; the bias 32 more, the relu 32.
#[test]
fn products_count_two_and_the_rest_one() {
    let row = 2 * 64 * 32 + 32 + 32 + 2 * 32 * 10 + 10;
    let parameters = 64 * 32 + 32 + 32 * 10 + 10;
    let expected = [
        format!("parameters: {parameters}"),
        format!("flops:      {row}*B"),
        format!("bytes:      {}*B + {}", 4 * (64 + 10), 4 * parameters),
    ];
    assert_eq!(lines(&logits::signature()), expected);
}

/// A subtraction and a square of each element, then the sum and one division.
#[test]
fn calls_are_counted_with_what_they_call() {
    let row = 2 * 64 * 32 + 32 + 32 + 2 * 32 * 10 + 10;
    let signature = distance::signature();
    let flops = lines(&signature)[1];
    assert_eq!(flops, format!("flops:      {}*B + 1", row + 3 * 10));
}

#[test]
fn loops_count_each_iteration_and_repeated_children_each_child() {
    let signature = deep::signature();
    let expected = [
        "parameters: D*Layers + D*D*Layers",
        "flops:      B*D*Layers + 2*B*D*D*Layers",
        "bytes:      8*B*D + 4*D*Layers + 4*D*D*Layers",
    ];
    let mut found = lines(&signature);
    let mut sorted = |text: &str| {
        let (name, formula) = text.split_once(':').unwrap_or((text, ""));
        let mut terms: Vec<&str> = formula.trim().split(" + ").collect();
        terms.sort_unstable();
        format!("{name}: {}", terms.join(" + "))
    };
    let found: Vec<String> = found.drain(..).map(&mut sorted).collect();
    let expected: Vec<String> = expected.map(sorted).into();
    assert_eq!(found, expected);
}

#[test]
fn a_closure_over_an_axis_counts_once_for_each_slice() {
    let signature = squares::signature();
    assert_eq!(lines(&signature)[1], "flops:      2*B*D");
}

#[test]
fn what_is_of_integers_has_bytes_and_no_flops() {
    let signature = attention::signature();
    assert_eq!(
        lines(&signature)[..2],
        ["parameters: 0", "flops:      2*D*T*T"]
    );
}
