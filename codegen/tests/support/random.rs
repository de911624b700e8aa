//! Random programs, the same ones for a seed.

use super::ProgramBuilder;
use sinew_ir::attributes::{Along, DotAxes, Shear, Windows};
use sinew_ir::ops;
use sinew_ir::{Attribute, Attributes, Axis, Builder, DType, Dim, Function, Op, Shape, Value};
use sinew_testing::{applicable, applied};

/// A small generator of numbers (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// A number of a type; for f32 one of few bits, so that most sums of products are exact in any
    /// order.
    pub fn number(&mut self, float: DType) -> f64 {
        let n = self.below(2001);
        match float {
            DType::F32 => (n % 65) as f64 / 16.0 - 2.0,
            _ => n as f64 / 500.0 - 2.0,
        }
    }
}

/// What is in a program beside what every one may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    Nothing,
    /// Windows that slide along some axes, flips and shears.
    Windows,
    /// Any op of the table.
    Table,
}

pub(super) struct Maker {
    pub(super) p: ProgramBuilder,
    pub(super) random: Random,
    /// All values so far.
    pub(super) pool: Vec<Value>,
    /// The numbers of the inputs.
    pub(super) inputs: Vec<Vec<f64>>,
    pub(super) zero_extents: bool,
    /// What else there is in it.
    pub(super) with: With,
    /// The element type of the floats.
    pub(super) float: DType,
}

impl Maker {
    fn extent(&mut self) -> usize {
        let list: &[usize] = match self.zero_extents {
            true => &[0, 1, 2, 3],
            false => &[1, 1, 2, 3, 4, 5, 6],
        };
        self.random.pick(list)
    }

    fn shape(&mut self) -> Vec<usize> {
        let rank = self.random.pick(&[0, 1, 1, 2, 2, 2, 3, 3, 4]);
        (0..rank).map(|_| self.extent()).collect()
    }

    fn extents(&self, v: Value) -> Vec<usize> {
        self.p.b.type_of(v).shape.extents().expect("literal")
    }

    /// A float value, of some shape if given.
    fn float(&mut self, shape: Option<&[usize]>) -> Value {
        let fits = |m: &Maker, v: &Value| {
            m.p.b.type_of(*v).dtype == m.float && shape.is_none_or(|s| m.extents(*v) == s)
        };
        let found: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|v| fits(self, v))
            .collect();
        if !found.is_empty() {
            // Later values more often, so that programs are deep.
            let from = match self.random.below(3) {
                0 => 0,
                _ => found.len() / 2,
            };
            return found[from + self.random.below(found.len() - from)];
        }
        let shape = shape.map_or_else(|| self.shape(), <[usize]>::to_vec);
        self.broadcast_to(&shape)
    }

    /// A smaller value repeated up to a shape.
    fn broadcast_to(&mut self, shape: &[usize]) -> Value {
        let rank = shape.len();
        let kept: Vec<usize> = (0..rank).filter(|_| self.random.below(2) == 0).collect();
        let small: Vec<usize> = kept.iter().map(|d| shape[*d]).collect();
        let fits: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|v| self.p.b.type_of(*v).dtype == self.float && self.extents(*v) == small)
            .collect();
        let x = match fits.is_empty() {
            false => self.random.pick(&fits),
            true => {
                let value = self.random.number(self.float);
                self.p
                    .b
                    .constant(value, self.float, Shape::from_extents(&small))
                    .expect("constant")
            }
        };
        let new: Vec<Axis> = (0..rank)
            .filter(|d| !kept.contains(d))
            .map(Axis::At)
            .collect();
        self.p
            .b
            .broadcast(x, &Shape::from_extents(shape), &new)
            .expect("broadcast")
    }

    fn op(&mut self, op: Op, x: &[Value], a: impl Into<Attributes>) -> Option<Value> {
        let v = self.p.b.op(op, x, a).ok()?;
        let small = self.extents(v).iter().product::<usize>() <= 4000;
        if !small {
            // Left unused.
            return None;
        }
        Some(v)
    }

    fn bool(&mut self, shape: &[usize]) -> Value {
        let (x, y) = (self.float(Some(shape)), self.float(Some(shape)));
        let op = self.random.pick(&[ops::LT, ops::LE, ops::EQ, ops::NE]);
        self.p.b.op(op, &[x, y], vec![]).expect("comparison")
    }

    fn index(&mut self, shape: &[usize]) -> Value {
        let found: Vec<Value> = self
            .pool
            .iter()
            .copied()
            .filter(|v| self.p.b.type_of(*v).dtype == DType::I32 && self.extents(*v) == shape)
            .collect();
        if !found.is_empty() && self.random.below(2) == 0 {
            return self.random.pick(&found);
        }
        if !shape.is_empty() && self.random.below(2) == 0 {
            let axis = Axis::At(self.random.below(shape.len()));
            return self
                .p
                .b
                .iota(DType::I32, Shape::from_extents(shape), axis)
                .expect("iota");
        }
        let x = self.float(Some(shape));
        self.p.b.cast(x, DType::I32).expect("cast")
    }

    /// Windows, a flip or a shear.
    fn moved(&mut self) -> Option<Value> {
        let x = self.float(None);
        let shape = self.extents(x);
        let axis = self.random.below(shape.len());
        let extent = *shape.get(axis)?;
        let along = Axis::At(axis);
        match self.random.below(4) {
            0 => self.op(ops::FLIP, &[x], Along { axis: along }),
            1 => {
                let by = Axis::At(self.random.below(shape.len()));
                let [offset, slope] = [7, 5].map(|n| self.random.below(n) as i64 - n as i64 / 2);
                let map = [offset, slope, self.extent() as i64].map(Dim::constant);
                let [offset, slope, extent] = &map;
                let map = Shear {
                    axis: along,
                    by,
                    offset,
                    slope,
                    extent,
                };
                self.op(ops::SHEAR, &[x], map)
            }
            _ => {
                let size = 1 + self.random.below(extent.min(3)) as i64;
                let (step, dilation) = (self.random.pick(&[1, 1, 2, 3]), self.random.pick(&[1, 2]));
                let [size, step, dilation] = &[size, step, dilation].map(Dim::constant);
                let windows = Windows {
                    axis: along,
                    size,
                    step,
                    dilation,
                };
                self.op(ops::WINDOWS, &[x], windows)
            }
        }
    }

    /// Any op of the table, to operands made of what there is.
    fn any(&mut self) -> Option<Value> {
        let op = self.random.pick(applicable());
        let instance = self.random.pick(&(op.test.instances)(&op));
        let (pool, random) = (&self.pool, &mut self.random);
        // Later values more often, so that programs are deep.
        let mut pick = |_: &Builder| match random.below(3) {
            0 => random.pick(pool),
            _ => random.pick(&pool[pool.len() / 2..]),
        };
        applied(&mut self.p.b, op, &instance, self.float, &mut pick).ok()
    }

    fn step(&mut self) -> Option<Value> {
        let axes = |list: &[usize]| Attribute::Axes(list.iter().map(|d| Axis::At(*d)).collect());
        let dims = |list: &[usize]| Attribute::Dims(list.iter().map(|d| Dim::from(*d)).collect());
        match self.with {
            With::Windows if self.random.below(3) == 0 => return self.moved(),
            With::Table if self.random.below(2) == 0 => return self.any(),
            With::Nothing | With::Windows | With::Table => {}
        }
        match self.random.below(20) {
            0..=2 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let y = self.float(Some(&shape));
                let op =
                    self.random
                        .pick(&[ops::ADD, ops::SUB, ops::MUL, ops::MAXIMUM, ops::MINIMUM]);
                self.op(op, &[x, y], vec![])
            }
            3 | 4 => {
                let x = self.float(None);
                let op = self.random.pick(&[
                    ops::NEG,
                    ops::ABS,
                    ops::TANH,
                    ops::RELU,
                    ops::SIGMOID,
                    ops::FLOOR,
                    ops::SIGN,
                ]);
                self.op(op, &[x], vec![])
            }
            5 | 6 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let y = self.broadcast_to(&shape);
                let op = self.random.pick(&[ops::ADD, ops::MUL]);
                self.op(op, &[x, y], vec![])
            }
            7 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let y = self.float(Some(&shape));
                let c = self.bool(&shape);
                self.op(ops::SELECT, &[c, x, y], vec![])
            }
            8 | 9 => {
                // A reshape: factors joined and split anew.
                let x = self.float(None);
                let mut n: usize = self.extents(x).iter().product();
                if n == 0 {
                    return None;
                }
                let mut to = Vec::new();
                while n > 1 && to.len() < 4 {
                    let divisors: Vec<usize> = (1..=n).filter(|d| n.is_multiple_of(*d)).collect();
                    let d = self.random.pick(&divisors);
                    to.push(d);
                    n /= d;
                }
                to.push(n);
                self.op(
                    ops::RESHAPE,
                    &[x],
                    vec![Attribute::Shape(Shape::from_extents(&to))],
                )
            }
            10 => {
                let x = self.float(None);
                let mut left: Vec<usize> = (0..self.extents(x).len()).collect();
                let mut order = Vec::new();
                while !left.is_empty() {
                    let k = self.random.below(left.len());
                    order.push(left.remove(k));
                }
                self.op(ops::PERMUTE, &[x], vec![axes(&order)])
            }
            11 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let axis = self.random.below(shape.len());
                let extent = *shape.get(axis)?;
                let start = self.random.below(extent + 1);
                let stop = start + self.random.below(extent - start + 1);
                let step = self.random.pick(&[1, 1, 2, 3]);
                if !self.zero_extents && start == stop {
                    return None;
                }
                self.op(
                    ops::SLICE,
                    &[x],
                    vec![axes(&[axis]), dims(&[start, stop, step])],
                )
            }
            12 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let axis = self.random.below(shape.len());
                shape.get(axis)?;
                let (low, high) = (self.random.below(3), self.random.below(3));
                let step = self.random.pick(&[1, 1, 2, 3]);
                self.op(
                    ops::PAD,
                    &[x],
                    vec![axes(&[axis]), dims(&[low, high, step])],
                )
            }
            13 | 14 => {
                let x = self.float(None);
                let rank = self.extents(x).len();
                let list: Vec<usize> = (0..rank).filter(|_| self.random.below(2) == 0).collect();
                if list.is_empty() {
                    return None;
                }
                let op = self.random.pick(&[ops::SUM, ops::SUM, ops::MAX]);
                self.op(op, &[x], vec![axes(&list)])
            }
            15 => {
                // A row program.
                let x = self.float(None);
                let shape = self.extents(x);
                let axis = self.random.below(shape.len());
                if *shape.get(axis)? == 0 {
                    return None;
                }
                let op = self
                    .random
                    .pick(&[ops::SOFTMAX, ops::LOG_SOFTMAX, ops::ARGMAX]);
                let v = self.op(op, &[x], vec![axes(&[axis])])?;
                Some(v)
            }
            16 | 17 => {
                let x = self.float(None);
                let y = self.float(None);
                let (sx, sy) = (self.extents(x), self.extents(y));
                let mut dot = DotAxes::default();
                let (mut used_x, mut used_y) = (Vec::new(), Vec::new());
                for (i, e) in sx.iter().enumerate() {
                    for (j, f) in sy.iter().enumerate() {
                        if e == f && !used_x.contains(&i) && !used_y.contains(&j) {
                            match self.random.below(3) {
                                0 => {
                                    dot.batch_x.push(Axis::At(i));
                                    dot.batch_y.push(Axis::At(j));
                                }
                                1 => {
                                    dot.contract_x.push(Axis::At(i));
                                    dot.contract_y.push(Axis::At(j));
                                }
                                _ => continue,
                            }
                            used_x.push(i);
                            used_y.push(j);
                        }
                    }
                }
                let v = self.p.b.dot(x, y, &dot).ok()?;
                (self.extents(v).iter().product::<usize>() <= 2000).then_some(v)
            }
            18 => {
                let x = self.float(None);
                let shape = self.extents(x);
                let axis = self.random.below(shape.len());
                shape.get(axis)?;
                let mut parts = vec![x];
                for _ in 0..self.random.below(3) {
                    let mut other = shape.clone();
                    other[axis] = self.extent();
                    parts.push(self.float(Some(&other)));
                }
                self.op(ops::CONCAT, &parts, vec![axes(&[axis])])
            }
            _ => {
                let x = self.float(None);
                let shape = self.extents(x);
                let axis = self.random.below(shape.len());
                if *shape.get(axis)? == 0 {
                    return None;
                }
                let mut of_index = shape.clone();
                of_index[axis] = self.random.pick(&[1, 2, 3, 7]);
                let index = self.index(&of_index);
                if self.random.below(2) == 0 {
                    self.op(ops::TAKE_ALONG_AXIS, &[x, index], vec![axes(&[axis])])
                } else {
                    let updates = self.float(Some(&of_index));
                    self.op(ops::SCATTER_ADD, &[x, index, updates], vec![axes(&[axis])])
                }
            }
        }
    }
}

/// A program over floats of one type, and elements for its inputs.
pub fn program(seed: u64, zero_extents: bool, float: DType) -> (Function, Vec<Vec<f64>>) {
    made(seed, zero_extents, With::Nothing, float)
}

/// [`program`] with any ops of the table.
pub fn program_of_any_op(seed: u64, zero_extents: bool, float: DType) -> (Function, Vec<Vec<f64>>) {
    made(seed, zero_extents, With::Table, float)
}

/// [`program`] with windows, flips and shears.
pub fn program_of_windows(
    seed: u64,
    zero_extents: bool,
    float: DType,
) -> (Function, Vec<Vec<f64>>) {
    made(seed, zero_extents, With::Windows, float)
}

fn made(seed: u64, zero_extents: bool, with: With, float: DType) -> (Function, Vec<Vec<f64>>) {
    let mut m = Maker {
        p: ProgramBuilder::new(),
        random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
        pool: Vec::new(),
        inputs: Vec::new(),
        zero_extents,
        with,
        float,
    };
    let mut inputs = Vec::new();
    let mut shapes: Vec<Vec<usize>> = Vec::new();
    for i in 0..1 + m.random.below(4) {
        let shape = match m.random.below(3) {
            0 if !shapes.is_empty() => m.random.pick(&shapes),
            _ => m.shape(),
        };
        let dtype = m.random.pick(&[float, float, float, DType::I32]);
        let v = m.p.input(&format!("x{i}"), dtype, &shape);
        let n: usize = shape.iter().product();
        let numbers = (0..n).map(|_| match dtype {
            DType::I32 => m.random.below(9) as f64 - 2.0,
            _ => m.random.number(float),
        });
        inputs.push(numbers.collect());
        shapes.push(shape);
        m.pool.push(v);
    }
    let steps = 1 + m.random.below(18);
    for _ in 0..steps {
        if let Some(v) = m.step() {
            m.pool.push(v);
        }
    }
    let count = 1 + m.random.below(3);
    let mut results = vec![*m.pool.last().expect("an input at least")];
    for _ in 1..count {
        let v = m.random.pick(&m.pool);
        results.push(v);
    }
    (m.p.finish(&results), inputs)
}
