//! Equal kernels are compiled once, wherever and however often they run.

use crate::support;

use sinew_codegen::cost::Target;
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{Node, Schedule};
use sinew_codegen::schedule::{Part, schedule};
use sinew_ir::compose::broadcast_to;
use sinew_ir::ops::{self, DotAxes};
use sinew_ir::{Axis, DType, Function, Shape, Value};
use support::{ProgramBuilder, bytes, close, interpreted, numbers, scheduled, separate, values};

const WIDTH: usize = 24;

/// `layers` layers `tanh(x w + b)` one after the other, each with parameters of its own.
fn mlp(layers: usize) -> Function {
    let mut p = ProgramBuilder::new();
    let mut x = p.input("x", DType::F32, &[8, WIDTH]);
    let parameters: Vec<[Value; 2]> = (0..layers)
        .map(|l| {
            [
                p.input(&format!("w{l}"), DType::F32, &[WIDTH, WIDTH]),
                p.input(&format!("b{l}"), DType::F32, &[WIDTH]),
            ]
        })
        .collect();
    for [w, b] in parameters {
        let axes = DotAxes {
            contract_x: vec![Axis::At(1)],
            contract_y: vec![Axis::At(0)],
            ..DotAxes::default()
        };
        let product = p.b.dot(x, w, &axes).expect("dot");
        let b = broadcast_to(&mut p.b, b, &Shape::from_extents(&[8, WIDTH])).expect("broadcast");
        let sum = p.b.add(product, b).expect("add");
        x = p.b.op(ops::TANH, &[sum], vec![]).expect("tanh");
    }
    p.finish(&[x])
}

#[test]
fn twelve_equal_layers_are_one_kernel() {
    let f = mlp(12);
    let s = scheduled(&f);
    assert_eq!((s.runs().len(), s.kernels.len()), (12, 1), "{s}");
    let inputs: Vec<Vec<f64>> = (0..f.params.len())
        .map(|p| {
            numbers(
                f.values[p]
                    .shape
                    .extents()
                    .expect("linked")
                    .iter()
                    .product(),
                p,
            )
        })
        .collect();
    close(
        &support::run(&f, &inputs)[0],
        &interpreted(&f, &inputs)[0],
        1e-5,
        "twelve layers",
    );
}

/// 48 layers over stacked parameters.
fn stacked(layers: usize) -> Function {
    let text = format!(
        "fn @mlp(%x: f32[8, {WIDTH}], %w: f32[{layers}, {WIDTH}, {WIDTH}], %b: f32[{layers}, {WIDTH}]) -> f32[8, {WIDTH}] {{
  %11 = loop {layers} (%3, %4 = %x, %5 = slice %w, %6 = slice %b) {{
    %7 = dot %4, %5 contract_x [1] contract_y [0]
    %8 = broadcast %6 shape [8, {WIDTH}] new [0]
    %9 = add %7, %8
    %10 = tanh %9
    return %10
  }}
  return %11
}}
"
    );
    sinew_ir::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[cfg(feature = "cpu")]
#[test]
fn forty_eight_layers_in_a_loop_have_the_code_of_two() {
    use sinew_codegen::cpu::{Options, compile};
    let size = |layers: usize| {
        let program = compile(&scheduled(&stacked(layers)), &Options::default());
        program.expect("it compiles").code_bytes()
    };
    let (two, many) = (size(2), size(48));
    // A constant with more digits may take a few bytes more.
    assert!(many <= two + 64, "{two} bytes for 2 layers, {many} for 48");
}

/// A step in parts: gradients, then what is done with them.
#[test]
fn parts_of_a_step_run_by_themselves() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", DType::F32, &[6]);
    let y = p.b.exp(x).expect("exp");
    let first = p.finish(&[y]);
    let mut p = ProgramBuilder::new();
    let y = p.input("y", DType::F32, &[6]);
    let z = p.b.mul(y, y).expect("mul");
    let second = p.finish(&[z]);
    let (mut regions, inputs, outputs) = separate(&first);
    let kind = sinew_codegen::kernel::RegionKind::Output;
    let last = sinew_codegen::schedule::RegionOffset {
        region: regions.add("squares", 24, kind),
        offset: 0,
    };
    let parts = [
        Part {
            name: "gradients",
            program: &first,
            inputs,
            outputs: outputs.clone(),
        },
        Part {
            name: "update",
            program: &second,
            inputs: outputs.clone(),
            outputs: vec![last],
        },
    ];
    let whole = schedule(&parts, regions, Target::Cpu).expect("schedules");
    let [gradients, update] = ["gradients", "update"].map(|n| whole.part(n).expect("a part"));
    assert_eq!((gradients.kernels.len(), update.kernels.len()), (1, 1));
    assert!(whole.part("other").is_none());
    let names = |s: &Schedule| match &s.nodes[..] {
        [Node::Part(part)] => part.name.clone(),
        _ => panic!("one part"),
    };
    assert_eq!(
        (names(&gradients), names(&update)),
        ("gradients".into(), "update".into())
    );
    let mut memory: Vec<Vec<u8>> = whole.regions.iter().map(|r| vec![0; r.bytes]).collect();
    memory[1] = bytes(&numbers(6, 1), DType::F32);
    execute(&gradients, &mut memory).expect("runs");
    // What stands between: here, all gradients doubled.
    let between = outputs[0].region.0 as usize;
    let doubled: Vec<f64> = values(&memory[between], DType::F32)
        .iter()
        .map(|g| 2.0 * g)
        .collect();
    memory[between] = bytes(&doubled, DType::F32);
    execute(&update, &mut memory).expect("runs");
    let expected: Vec<f64> = doubled.iter().map(|g| g * g).collect();
    let found = values(&memory[last.region.0 as usize], DType::F32);
    close(&found, &expected, 1e-6, "squares");
}
