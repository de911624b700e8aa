//! Which operands of contractions are computed where they are used, and which are stored.
//! `tests/programs/computed_operands.ir` has one of every kind.

use crate::support;

use sinew_codegen::kernel::{Class, Contract};
use sinew_ir::ops::{self, DotAxes};
use sinew_ir::{Attribute, Axis, DType, Function, Shape, Value};
use support::{ProgramBuilder, close, interpreted, numbers, run, scheduled};

const F: DType = DType::F32;

/// `x . w` over the last axis of the one and the first of the other.
fn dot(p: &mut ProgramBuilder, x: Value, w: Value) -> Value {
    let rank = p.b.type_of(x).shape.extents().expect("literal").len();
    let axes = DotAxes {
        contract_x: vec![Axis::At(rank - 1)],
        contract_y: vec![Axis::At(0)],
        ..DotAxes::default()
    };
    p.b.dot(x, w, &axes).expect("a product")
}

fn relu(p: &mut ProgramBuilder, x: Value) -> Value {
    p.b.op(ops::RELU, &[x], vec![]).expect("relu")
}

fn contracts(f: &Function) -> Vec<Contract> {
    let kernels = scheduled(f).kernels.into_iter();
    let contracts = kernels.filter_map(|k| match k.class {
        Class::Contract(c) => Some(c),
        Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_) => None,
    });
    contracts.collect()
}

/// The interpreter's results.
fn check(f: &Function, inputs: &[Vec<f64>]) {
    for (a, b) in run(f, inputs).iter().zip(&interpreted(f, inputs)) {
        close(a, b, 1e-5, "product");
    }
}

#[test]
fn one_value_may_be_an_operand_on_both_sides_and_through_views() {
    let mut p = ProgramBuilder::new();
    let x = p.input("x", F, &[3, 7, 4]);
    let v = p.input("v", F, &[4, 5]);
    let positive = relu(&mut p, x);
    let first = dot(&mut p, positive, v);
    let flat = Attribute::Shape(Shape::from_extents(&[21, 4]));
    let flat = p.b.op(ops::RESHAPE, &[positive], vec![flat]).expect("flat");
    let turned =
        p.b.permute(flat, &[Axis::At(1), Axis::At(0)])
            .expect("turned");
    let square = dot(&mut p, turned, flat);
    let f = p.finish(&[first, square]);
    let all = contracts(&f);
    assert_eq!((all.len(), scheduled(&f).kernels.len()), (2, 2));
    let computed = |c: &Contract| [&c.lhs, &c.rhs].map(|o| o.access().is_none());
    let mut sides: Vec<[bool; 2]> = all.iter().map(computed).collect();
    sides.sort_unstable();
    assert_eq!(sides, [[true, false], [true, true]]);
    check(&f, &[numbers(84, 1), numbers(20, 2)]);
}

/// What is dear, read by others, a result, or follows from a kernel is stored as ever.
#[test]
fn other_operands_are_stored() {
    let plain = |name: &str, make: &dyn Fn(&mut ProgramBuilder, Value, Value) -> Vec<Value>| {
        let mut p = ProgramBuilder::new();
        let x = p.input("x", F, &[9, 6]);
        let w = p.input("w", F, &[6, 6]);
        let results = make(&mut p, x, w);
        let f = p.finish(&results);
        for c in contracts(&f) {
            let plain = c.lhs.access().is_some() && c.rhs.access().is_some();
            assert!(plain, "{name}: {}", scheduled(&f));
        }
        check(&f, &[numbers(54, 1), numbers(36, 2)]);
    };
    plain("exponential", &|p, x, w| {
        let y = p.b.exp(x).expect("exp");
        vec![dot(p, y, w)]
    });
    plain("with another reader", &|p, x, w| {
        let y = relu(p, x);
        let sum = p.b.sum(y, &[Axis::At(0)]).expect("sum");
        vec![dot(p, y, w), sum]
    });
    plain("a result", &|p, x, w| {
        let y = relu(p, x);
        vec![dot(p, y, w), y]
    });
    plain("an activation", &|p, x, w| {
        let y = dot(p, x, w);
        let z = relu(p, y);
        vec![dot(p, z, w)]
    });
    plain("a chain with two ends", &|p, x, w| {
        let y = dot(p, x, w);
        let a = relu(p, y);
        let b = p.b.abs(y).expect("abs");
        vec![dot(p, a, w), dot(p, b, w)]
    });
    plain("a norm", &|p, x, w| {
        let sum = p.b.sum(x, &[Axis::At(1)]).expect("sum");
        let sum =
            p.b.broadcast(sum, &Shape::from_extents(&[9, 6]), &[Axis::At(1)]);
        let y = p.b.sub(x, sum.expect("sums")).expect("sub");
        vec![dot(p, y, w)]
    });
}
