//! What is fused with what, what is stored, and that the kernels compute it.

mod support;

use sinew_codegen::explain::{explain, listing};
use sinew_ir::ops::{self};
use sinew_ir::{Attribute, Axis, DType, Function, Value};
use support::{Program, run, scheduled};

fn dot(p: &mut Program, x: Value, y: Value, cx: usize, cy: usize) -> Value {
    let axes = ops::DotAxes {
        contract_x: vec![Axis::At(cx)],
        contract_y: vec![Axis::At(cy)],
        ..ops::DotAxes::default()
    };
    p.b.dot(x, y, &axes).expect("dims agree")
}

/// x w + b, relu, forward; loss; gradients: digits 64-128-10 with batch 32.
fn digits() -> Function {
    let mut p = Program::new();
    let f = DType::F32;
    let w1 = p.input("w1", f, &[64, 128]);
    let b1 = p.input("b1", f, &[128]);
    let w2 = p.input("w2", f, &[128, 10]);
    let b2 = p.input("b2", f, &[10]);
    let x = p.input("x", f, &[32, 64]);
    let y = p.input("y", DType::I32, &[32]);
    let h = dot(&mut p, x, w1, 1, 0);
    let shape = p.b.type_of(h).shape.clone();
    let wide = p.b.broadcast(b1, &shape, &[Axis::At(0)]).expect("b1");
    let h = p.b.add(h, wide).expect("add");
    let h = p.b.op(ops::RELU, &[h], vec![]).expect("relu");
    let z = dot(&mut p, h, w2, 1, 0);
    let shape = p.b.type_of(z).shape.clone();
    let wide = p.b.broadcast(b2, &shape, &[Axis::At(0)]).expect("b2");
    let z = p.b.add(z, wide).expect("add");
    let attributes = vec![
        Attribute::Axes(vec![Axis::At(1)]),
        Attribute::Number(-100.0),
        Attribute::Number(0.0),
    ];
    let losses =
        p.b.op(ops::CROSS_ENTROPY, &[z, y], attributes.clone())
            .expect("loss");
    let loss = p.b.over(ops::MEAN, losses, &[Axis::At(0)]).expect("mean");
    // The pullback, by the table's own rules.
    let g = p.b.like(1.0 / 32.0, losses).expect("g");
    let rule = |op: sinew_ir::Op| match op.pullback {
        sinew_ir::Pullback::Rule(rule) => rule,
        _ => panic!("{op:?} has a rule"),
    };
    let primal = sinew_ir::Primal {
        operands: &[z, y],
        attributes: &sinew_ir::Attributes(attributes),
        result: losses,
        cotangent: g,
        wanted: &[true, false],
    };
    let dz = rule(ops::CROSS_ENTROPY)(&mut p.b, &primal).expect("pullback")[0].expect("wanted");
    let db2 = p.b.sum(dz, &[Axis::At(0)]).expect("db2");
    let dw2 = dot(&mut p, h, dz, 0, 0);
    let dh = dot(&mut p, dz, w2, 1, 1);
    let zero = p.b.like(0.0, h).expect("zero");
    let off = p.b.le(h, zero).expect("le");
    let dh = p.b.select(off, zero, dh).expect("mask");
    let db1 = p.b.sum(dh, &[Axis::At(0)]).expect("db1");
    let dw1 = dot(&mut p, x, dh, 0, 0);
    p.finish(&[loss, dw1, db1, dw2, db2])
}

#[test]
fn digits_gradient_has_no_kernel_too_many() {
    let s = scheduled(&digits());
    println!("{}\n{}", explain(&s), listing(&s));
    let inputs: Vec<Vec<f64>> = [64 * 128, 128, 1280, 10, 32 * 64, 32]
        .iter()
        .enumerate()
        .map(|(p, n)| {
            (0..*n)
                .map(|i| {
                    if p == 5 {
                        (i % 10) as f64
                    } else {
                        ((i * 7 + p) % 13) as f64 / 50.0 - 0.1
                    }
                })
                .collect()
        })
        .collect();
    let out = run(&digits(), &inputs);
    println!("{:?}", out[0]);
}
