//! Functions over an axis: every op of the table against itself slice by slice, loops, calls with rules,
//! axes in axes, draws.

use sinew_ir::{
    Array, Binding, Block, Builder, Call, DType, Dim, Function, Inst, Instance, Map, Op, Param,
    Target, Type, Unit, interpret, link, ops,
};
use sinew_testing::difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const EXTENT: usize = 3;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Steele, Lea, Flood: SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn array(&mut self, ty: &Type, (low, high): (f64, f64)) -> Array {
        let shape = ty.shape.extents().expect("known extents");
        let count: usize = shape.iter().product();
        let data = (0..count).map(|_| match ty.dtype {
            DType::Bool => (self.next() & 1) as f64,
            DType::I32 | DType::U32 => (self.next() % 3) as f64,
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
                low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
            }
        });
        let data = data.collect();
        Array::new(ty.dtype, &shape, data).expect("as many elements")
    }
}

pub fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

pub fn unit(
    function: &Function,
    callees: &'static [(&'static str, &'static Unit)],
) -> &'static Unit {
    leak(Unit {
        path: leak(function.name.clone()),
        file: "src/net.rs",
        text: leak(function.to_string()),
        callees,
        consts: &[],
    })
}

pub fn applied(op: Op, instance: &Instance) -> Option<Function> {
    let mut b = Builder::default();
    let types = instance.operands.iter().cloned();
    let operands: Vec<_> = types.map(|t| b.value(t)).collect();
    let result = b.op(op, &operands, instance.attributes.clone()).ok()?;
    let params = operands.iter().map(|v| Param::input(&format!("x{}", v.0)));
    Some(Function {
        name: op.name.to_string(),
        params: params.collect(),
        values: b.values,
        body: Block::body(operands.len(), b.insts, vec![result]),
        ..Function::default()
    })
}

fn stacked(ty: &Type, extent: usize) -> Type {
    ty.stack(0, Dim::from(extent)).expect("an axis in front")
}

/// A function that calls another one over an axis of those arguments that are `mapped`.
pub fn over(callee: &Function, mapped: &[bool], extent: usize) -> Function {
    let mut b = Builder::default();
    let count = callee.params.len();
    let types = callee.values[..count].iter().zip(mapped);
    let operands: Vec<_> = types
        .map(|(ty, mapped)| {
            b.value(if *mapped {
                stacked(ty, extent)
            } else {
                ty.clone()
            })
        })
        .collect();
    let results = callee.body.results.iter();
    let results: Vec<_> = results
        .map(|r| b.value(stacked(callee.type_of(*r), extent)))
        .collect();
    let target = Target {
        name: "f".to_string(),
        symbols: Vec::new(),
        sequence: None,
        maps: vec![Map {
            extent: Dim::from(extent),
            mapped: mapped.to_vec(),
        }],
    };
    let call = Call::plain(target, operands, results.clone(), None);
    Function {
        name: "over".to_string(),
        params: callee.params.clone(),
        values: b.values,
        body: Block::body(count, vec![Inst::Call(call)], results),
        ..Function::default()
    }
}

/// Which of so many operands have the axis: each alone, and all.
pub fn masks(count: usize) -> impl Iterator<Item = Vec<bool>> {
    let each = (0..count).map(move |i| (0..count).map(|k| k == i).collect());
    let all = each.chain([vec![true; count]]);
    all.filter(|mask: &Vec<bool>| mask.contains(&true))
}

/// The slice `i` along the first axis.
fn slice(array: &Array, i: usize) -> Array {
    let shape = &array.shape[1..];
    let count: usize = shape.iter().product();
    let data = array.data[i * count..(i + 1) * count].to_vec();
    Array::new(array.dtype, shape, data).expect("as many elements")
}

#[test]
fn every_op_does_to_all_slices_what_it_does_to_one() -> Outcome {
    let mut numbers = Numbers(3);
    let binding = Binding::new(DType::F64);
    let mut tried = 0;
    for op in ops::TABLE.iter().copied() {
        for instance in (op.test.instances)(&op) {
            let Some(single) = applied(op, &instance) else {
                continue;
            };
            let count = single.params.len();
            let one = unit(&single, &[]);
            let alone = link(one, &binding)?;
            for mask in masks(count) {
                let function = over(&single, &mask, EXTENT);
                let callees = leak([("f", one)]);
                let program = link(unit(&function, callees), &binding)
                    .map_err(|e| format!("{} {mask:?}: {e}", op.name))?;
                let types = function.values[..count].iter().enumerate();
                let domain = |i: usize| {
                    let domain = op.test.domain;
                    domain
                        .get(i)
                        .or(domain.last())
                        .copied()
                        .unwrap_or((-2.0, 2.0))
                };
                let inputs: Vec<Array> = types.map(|(i, t)| numbers.array(t, domain(i))).collect();
                let found = interpret(&program, &inputs)?;
                for i in 0..EXTENT {
                    let pick = inputs.iter().zip(&mask);
                    let slices: Vec<Array> = pick
                        .map(|(x, mapped)| if *mapped { slice(x, i) } else { x.clone() })
                        .collect();
                    let expected = interpret(&alone, &slices)?;
                    let found = slice(&found[0], i);
                    let off = difference(&found, &expected[0], 1e-12, 1e-12);
                    assert_eq!(off, None, "{} {mask:?}\n{program}", op.name);
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "only {tried} applications");
    Ok(())
}
