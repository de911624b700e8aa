//! Pullbacks as text: what the pass derives, and what it leaves out.

use sinew_ir::{CalleeInfo, derive_pullback, parse, verify};

fn derived(text: &str) -> String {
    let mut f = parse(text).expect("a function");
    let callee = |name: &str| {
        let two = CalleeInfo {
            gradients: vec![true, false],
        };
        (name == "f").then_some(two)
    };
    derive_pullback(&mut f, &callee).expect("a derivative");
    verify(&f).expect("a function that holds the rules");
    f.to_string()
}

#[test]
fn a_layer_reads_like_mathematics() {
    let text = "
fn @layer<[S], B, H>(%w: param float[B, H], %x: float[[S], B], %b: param float[H]) -> float[[S], H] {
  %3 = dot %x, %w contract_x [-1] contract_y [0]
  %4 = broadcast %b shape [[S], H] new [S]
  %5 = add %3, %4
  %6 = relu %5
  return %6
}
";
    println!("{}", derived(text));
}
