//! Programs evaluated one instruction at a time, straight from the op table's kinds: slow, obvious,
//! and sharing no index arithmetic with the scheduler.

use sinew_codegen::execute::{apply, identity, round};
use sinew_ir::{Attributes, Axis, Builder, DType, Function, Inst, Kind, Reduction, Scalar, View};

#[derive(Clone, Debug)]
pub struct Tensor {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Tensor {
    fn at(&self, index: &[usize]) -> f64 {
        let mut position = 0;
        for (i, e) in index.iter().zip(&self.shape) {
            position = position * e + i;
        }
        self.data[position]
    }
}

fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new()];
    for extent in shape {
        out = out
            .into_iter()
            .flat_map(|index: Vec<usize>| {
                (0..*extent).map(move |i| {
                    let mut next = index.clone();
                    next.push(i);
                    next
                })
            })
            .collect();
    }
    out
}

fn axes(a: &Attributes, i: usize) -> Vec<usize> {
    let at = |axis: &Axis| match axis {
        Axis::At(d) => *d,
        Axis::Sequence => panic!("linked"),
    };
    a.axes(i).iter().map(at).collect()
}

pub fn interpret(function: &Function, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut values: Vec<Option<Tensor>> = Vec::new();
    for (p, data) in inputs.iter().enumerate() {
        let of = &function.values[p];
        values.push(Some(Tensor {
            dtype: of.dtype,
            shape: of.shape.extents().expect("linked"),
            data: data.iter().map(|x| round(*x, of.dtype)).collect(),
        }));
    }
    body(&function.body, &function.values, &mut values);
    let result = |v: &sinew_ir::Value| values[v.index()].clone().expect("defined").data;
    function.results.iter().map(result).collect()
}

fn body(insts: &[Inst], types: &[sinew_ir::Type], values: &mut Vec<Option<Tensor>>) {
    for inst in insts {
        let Inst::Op(inst) = inst else {
            panic!("linked")
        };
        let of = &types[inst.result.index()];
        let shape = of.shape.extents().expect("linked");
        let operands: Vec<Tensor> = inst
            .operands
            .iter()
            .map(|v| values[v.index()].clone().expect("defined"))
            .collect();
        let result = if let Kind::Function(expand) = inst.op.kind {
            let mut b = Builder {
                values: types.to_vec(),
                ..Builder::default()
            };
            let result = expand(&mut b, &inst.operands, &inst.attributes).expect("expands");
            let mut inner = values.clone();
            inner.truncate(types.len());
            body(&b.insts, &b.values, &mut inner);
            inner[result.index()].clone().expect("defined")
        } else {
            Tensor {
                dtype: of.dtype,
                data: op(inst.op.kind, &operands, &inst.attributes, &shape, of.dtype),
                shape,
            }
        };
        if values.len() <= inst.result.index() {
            values.resize(inst.result.index() + 1, None);
        }
        values[inst.result.index()] = Some(result);
    }
}

fn op(kind: Kind, x: &[Tensor], a: &Attributes, shape: &[usize], dtype: DType) -> Vec<f64> {
    let each = |f: &dyn Fn(&[usize]) -> f64| -> Vec<f64> {
        indices(shape).iter().map(|i| round(f(i), dtype)).collect()
    };
    let dims = |i: usize| -> Vec<i64> {
        let constant = |d: &sinew_ir::Dim| d.as_constant().expect("linked");
        a.dims(i).iter().map(constant).collect()
    };
    match kind {
        Kind::Constant => each(&|_| a.number(0).expect("value")),
        Kind::Extent => each(&|_| dims(0)[0] as f64),
        Kind::Iota => each(&|i| i[axes(a, 2)[0]] as f64),
        Kind::Identity => x[0].data.clone(),
        Kind::Elementwise(scalar) => each(&|i| {
            let values: Vec<f64> = x.iter().map(|t| t.at(i)).collect();
            let from = x.last().expect("operands").dtype;
            apply(scalar, from, dtype, &values).expect("arity")
        }),
        Kind::View(View::Broadcast) => each(&|i| {
            let new = axes(a, 1);
            let kept = (0..i.len()).filter(|d| !new.contains(d)).map(|d| i[d]);
            x[0].at(&kept.collect::<Vec<_>>())
        }),
        Kind::View(View::Reshape) => x[0].data.clone(),
        Kind::View(View::Permute) => each(&|i| {
            let mut from = vec![0; i.len()];
            for (k, d) in axes(a, 0).iter().enumerate() {
                from[*d] = i[k];
            }
            x[0].at(&from)
        }),
        Kind::View(View::Slice) => each(&|i| {
            let mut from = i.to_vec();
            let (axis, range) = (axes(a, 0)[0], dims(1));
            from[axis] = (range[0] + i[axis] as i64 * range[2]) as usize;
            x[0].at(&from)
        }),
        Kind::View(View::Pad) => each(&|i| {
            let (axis, widths) = (axes(a, 0)[0], dims(1));
            let at = i[axis] as i64 - widths[0];
            let there = at >= 0 && at % widths[2] == 0;
            let at = (at / widths[2]) as usize;
            if !there || at >= x[0].shape[axis] {
                return 0.0;
            }
            let mut from = i.to_vec();
            from[axis] = at;
            x[0].at(&from)
        }),
        Kind::Reduce(reduction) => {
            let gone = axes(a, 0);
            let row: Vec<usize> = gone.iter().map(|d| x[0].shape[*d]).collect();
            each(&|i| {
                let mut best = f64::NAN;
                let mut out = identity(reduction, x[0].dtype);
                for (n, r) in indices(&row).iter().enumerate() {
                    let mut kept = i.iter();
                    let from: Vec<usize> = (0..x[0].shape.len())
                        .map(|d| match gone.iter().position(|g| *g == d) {
                            Some(k) => r[k],
                            None => *kept.next().expect("rank"),
                        })
                        .collect();
                    let v = x[0].at(&from);
                    match reduction {
                        Reduction::Sum => {
                            out = apply(Scalar::Add, dtype, dtype, &[out, v]).expect("two");
                        }
                        Reduction::Max => {
                            out = apply(Scalar::Maximum, dtype, dtype, &[out, v]).expect("two");
                        }
                        Reduction::ArgMax => {
                            if n == 0 || v > best {
                                best = v;
                                out = n as f64;
                            }
                        }
                    }
                }
                out
            })
        }
        Kind::Contract => {
            let (bx, by, cx, cy) = (axes(a, 0), axes(a, 1), axes(a, 2), axes(a, 3));
            let row: Vec<usize> = cx.iter().map(|d| x[0].shape[*d]).collect();
            each(&|i| {
                let place =
                    |t: &Tensor, batch: &[usize], contract: &[usize], k: &[usize], at: usize| {
                        let mut free = at;
                        let index: Vec<usize> = (0..t.shape.len())
                            .map(|d| {
                                if let Some(p) = batch.iter().position(|b| *b == d) {
                                    i[p]
                                } else if let Some(p) = contract.iter().position(|c| *c == d) {
                                    k[p]
                                } else {
                                    free += 1;
                                    i[free - 1]
                                }
                            })
                            .collect();
                        t.at(&index)
                    };
                let free_x = x[0].shape.len() - bx.len() - cx.len();
                let mut sum = 0.0;
                for k in indices(&row) {
                    sum += place(&x[0], &bx, &cx, &k, bx.len())
                        * place(&x[1], &by, &cy, &k, bx.len() + free_x);
                }
                sum
            })
        }
        Kind::Concat => each(&|i| {
            let axis = axes(a, 0)[0];
            let mut from = i.to_vec();
            for part in x {
                if from[axis] < part.shape[axis] {
                    return part.at(&from);
                }
                from[axis] -= part.shape[axis];
            }
            panic!("beyond the parts")
        }),
        Kind::Gather => each(&|i| {
            let axis = axes(a, 0)[0];
            let mut from = i.to_vec();
            let last = x[0].shape[axis] as f64 - 1.0;
            from[axis] = x[1].at(i).clamp(0.0, last) as usize;
            x[0].at(&from)
        }),
        Kind::Scatter => {
            let axis = axes(a, 0)[0];
            let mut out = x[0].clone();
            for i in indices(&x[1].shape) {
                let mut to = i.clone();
                let last = out.shape[axis] as f64 - 1.0;
                to[axis] = x[1].at(&i).clamp(0.0, last) as usize;
                let mut position = 0;
                for (t, e) in to.iter().zip(&out.shape) {
                    position = position * e + t;
                }
                out.data[position] = round(out.data[position] + x[2].at(&i), dtype);
            }
            out.data
        }
        Kind::Function(_) => panic!("expanded before"),
    }
}
