//! Convolutions written as padding, windows and a contraction: their schedules and those of their
//! derivatives hold no tensor of all windows. `tests/programs/convolution*.ir` show some.

use crate::support;

use sinew_codegen::explain::explain;
use sinew_codegen::kernel::{Buffer, Class, RegionKind, Schedule};
use sinew_fuzz::Target;
use sinew_ir::attributes::{DotAxes, Windows};
use sinew_ir::ops;
use sinew_ir::{Axis, Binding, DType, Dim, Function, Param, derive_pullback, link_gradient, parse};
use sinew_testing::{unit, with_gradients};
use std::fmt;
use std::time::Duration;
use support::random::Random;
use support::{ProgramBuilder, bytes, close, interpreted, numbers, run, scheduled, values};

/// The sum of the squares of a convolution.
struct Convolution {
    /// n, c, h, w.
    x: [i64; 4],
    /// o, c, r, s.
    w: [i64; 4],
    padding: i64,
    step: i64,
    dilation: i64,
}

impl Convolution {
    fn function(&self) -> Function {
        let Convolution {
            x,
            w,
            padding,
            step,
            dilation,
        } = self;
        let list = |dims: &[i64]| {
            let dims: Vec<String> = dims.iter().map(i64::to_string).collect();
            dims.join(", ")
        };
        let text = format!(
            "fn @conv(%x: param float[{}], %w: param float[{}]) -> float[] {{
  %2 = pad %x axis [2] widths [{padding}, {padding}, 1]
  %3 = pad %2 axis [3] widths [{padding}, {padding}, 1]
  %4 = windows %3 axis [3] size [{}] step [{step}] dilation [{dilation}]
  %5 = windows %4 axis [2] size [{}] step [{step}] dilation [{dilation}]
  %6 = dot %5, %w contract_x [1, 3, 5] contract_y [1, 2, 3]
  %7 = square %6
  %8 = sum %7 axes [0, 1, 2, 3]
  return %8
}}",
            list(x),
            list(w),
            w[3],
            w[2],
        );
        parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
    }

    /// Elements of a tensor of all windows, of the image's or of the result's cotangent.
    fn windows(&self) -> usize {
        let extent = |d: usize| {
            let reach = (self.w[d] - 1) * self.dilation;
            (self.x[d] + 2 * self.padding - reach - 1) / self.step + 1
        };
        let all = self.x[0] * extent(2) * extent(3) * self.w[2] * self.w[3];
        (all * self.x[1].min(self.w[0])) as usize
    }
}

/// The gradient program of a function, of all its params, in f64.
fn gradient(function: &Function) -> Function {
    let binding = Binding::new(DType::F64);
    match link_gradient(unit(function), &binding, &|_: &Param| true) {
        Ok(gradient) => gradient.program,
        Err(e) => panic!("{e}\n{function}"),
    }
}

/// Elements of the largest buffer in the arena.
fn largest(s: &Schedule) -> usize {
    let kind = |b: &&Buffer| s.regions[b.region.0 as usize].kind;
    let inside = s.buffers.iter().filter(|b| kind(b) == RegionKind::Arena);
    inside.map(|b| b.elements).max().unwrap_or(0)
}

fn check(program: &Function, tolerance: f64) {
    let inputs: Vec<Vec<f64>> = (0..program.params.len())
        .map(|p| {
            let extents = program.values[p].shape.extents().expect("linked");
            numbers(extents.iter().product(), p + 1)
        })
        .collect();
    let expected = interpreted(program, &inputs);
    for (found, expected) in run(program, &inputs).iter().zip(&expected) {
        close(found, expected, tolerance, &program.to_string());
    }
}

const PADDED: Convolution = Convolution {
    x: [2, 3, 8, 8],
    w: [4, 3, 3, 3],
    padding: 1,
    step: 1,
    dilation: 1,
};

#[test]
fn a_convolution_and_its_gradients_are_contractions() {
    for convolution in [
        PADDED,
        Convolution {
            x: [2, 3, 13, 12],
            w: [4, 3, 5, 5],
            padding: 2,
            step: 2,
            ..PADDED
        },
        Convolution {
            x: [2, 3, 12, 12],
            padding: 0,
            dilation: 2,
            ..PADDED
        },
    ] {
        let program = gradient(&convolution.function());
        let s = scheduled(&program);
        let text = format!("{program}\n{}\n{s}", explain(&s));
        let contracts = s.kernels.iter();
        let contracts = contracts.filter(|k| matches!(k.class, Class::Contract(_)));
        assert_eq!(contracts.count(), 3, "{text}");
        assert!(largest(&s) < convolution.windows(), "{text}");
        check(&program, 1e-9);
    }
}

/// The gradients of the sum of the squares of the gradients.
#[test]
fn so_are_its_second_derivatives() {
    for step in [1, 2] {
        let convolution = Convolution {
            x: [2, 3, 12, 12],
            w: [4, 3, 5, 5],
            padding: 2,
            step,
            ..PADDED
        };
        let mut first = convolution.function();
        derive_pullback(&mut first, &|_| None).expect("it has one");
        let with = with_gradients(&first).expect("there are no calls");
        // The params are x, w and the cotangent of the loss.
        let mut b = sinew_ir::Builder::after(&with);
        b.insts.clone_from(&with.body.insts);
        let mut sums = Vec::new();
        for gradient in &with.body.results[1..] {
            let square = b.square(*gradient).expect("floats");
            let axes = b.type_of(square).shape.axes();
            sums.push(b.sum(square, &axes).expect("a sum"));
        }
        let sum = b.add(sums[0], sums[1]).expect("scalars");
        let mut second = with.clone();
        for param in &mut second.params {
            param.kind = sinew_ir::ParamKind::Param;
        }
        second.values = b.values;
        second.body.insts = b.insts;
        second.body.results = vec![sum];
        let program = gradient(&second);
        let s = scheduled(&program);
        let text = format!("{program}\n{}", explain(&s));
        assert!(largest(&s) < convolution.windows(), "{text}");
        check(&program, 1e-9);
    }
}

/// The most of each window: its rows are read where they lie, its gradient is no scatter.
#[test]
fn pools_read_through_windows() {
    let text = "fn @pool(%x: param float[2, 3, 9, 7]) -> float[] {
  %1 = windows %x axis [3] size [3] step [2] dilation [1]
  %2 = windows %1 axis [2] size [2] step [2] dilation [1]
  %3 = max %2 axes [3, 5]
  %4 = square %3
  %5 = sum %4 axes [0, 1, 2, 3]
  return %5
}";
    let program = gradient(&parse(text).expect("it parses"));
    let s = scheduled(&program);
    let scatters = s.kernels.iter();
    let scatters = scatters.filter(|k| matches!(k.class, Class::Scatter(_)));
    assert_eq!(scatters.count(), 0, "{s}");
    check(&program, 1e-9);
}

/// A sum of windows of no contraction adds up what overlaps.
#[test]
fn windows_of_anything_have_a_transpose() {
    let text = "fn @windows(%x: param float[11, 2], %w: param float[4, 3, 2]) -> float[] {
  %2 = windows %x axis [0] size [3] step [2] dilation [2]
  %3 = mul %2, %w
  %4 = flip %3 axis [0]
  %5 = mul %4, %3
  %6 = sum %5 axes [0, 1, 2]
  return %6
}";
    check(&gradient(&parse(text).expect("it parses")), 1e-9);
}

/// A random convolution of what is padded, flipped or made positive, a part of its result squared and
/// summed.
fn random_convolution(random: &mut Random) -> Function {
    let spatial = 1 + random.below(2);
    let [n, c, o] = [(); 3].map(|()| 1 + random.below(3));
    let (mut extents, mut sizes) = (Vec::new(), Vec::new());
    let (mut around, mut windows) = (Vec::new(), Vec::new());
    for _ in 0..spatial {
        let n = 1 + random.below(7);
        let widths = match random.below(2) {
            0 => [0, 0, 1],
            _ => [random.below(3), random.below(3), 1 + random.below(2)],
        };
        let padded = widths[0] + (n - 1) * widths[2] + 1 + widths[1];
        let (step, dilation) = (1 + random.below(3), 1 + random.below(2));
        let size = 1 + random.below((padded - 1) / dilation + 1).min(3);
        extents.push(n);
        around.push(widths);
        sizes.push(size);
        windows.push([size, step, dilation]);
    }
    let mut p = ProgramBuilder::new();
    let mut x = p.input("x", DType::F64, &[&[n, c][..], &extents].concat());
    let mut w = p.input("w", DType::F64, &[&[o, c][..], &sizes].concat());
    if random.below(3) == 0 {
        x = p.b.op(ops::RELU, &[x], vec![]).expect("relu");
    }
    for (d, widths) in around.into_iter().enumerate() {
        if widths != [0, 0, 1] {
            let widths = widths.map(Dim::from);
            x = p.b.pad(x, Axis::At(2 + d), widths.each_ref()).expect("pad");
        }
        if random.below(4) == 0 {
            x = p.b.flip(x, Axis::At(2 + d)).expect("flip");
        }
    }
    if random.below(3) == 0 {
        w = p.b.flip(w, Axis::At(2)).expect("flip");
    }
    for d in (0..spatial).rev() {
        let [size, step, dilation] = &windows[d].map(Dim::from);
        let windows = Windows {
            axis: Axis::At(2 + d),
            size,
            step,
            dilation,
        };
        x = p.b.windows(x, windows).expect("windows");
    }
    let at = |list: Vec<usize>| list.into_iter().map(Axis::At).collect();
    let contract = DotAxes {
        contract_x: at([vec![1], (0..spatial).map(|d| 3 + 2 * d).collect()].concat()),
        contract_y: at((1..2 + spatial).collect()),
        ..DotAxes::default()
    };
    let mut y = p.b.dot(x, w, &contract).expect("a product");
    if random.below(2) == 0 {
        // Channels in front of the image.
        let order: Vec<Axis> = at([vec![0, 1 + spatial], (1..1 + spatial).collect()].concat());
        y = p.b.permute(y, &order).expect("permute");
    }
    if random.below(3) == 0 {
        let extent = p.b.type_of(y).shape.extents().expect("literal")[1];
        let start = random.below(extent);
        let range = [start, start + 1 + random.below(extent - start), 1].map(Dim::from);
        y = p.b.slice(y, Axis::At(1), range.each_ref()).expect("slice");
    }
    let square = p.b.square(y).expect("floats");
    let axes = p.b.type_of(square).shape.axes();
    let sum = p.b.sum(square, &axes).expect("a sum");
    let mut function = p.finish(&[sum]);
    for param in &mut function.params {
        param.kind = sinew_ir::ParamKind::Param;
    }
    function
}

/// A convolution.
struct Input {
    seed: usize,
    function: Function,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)
    }
}

/// Convolutions and their gradients as they are linked, slowly and by every choice of kernel, against
/// the pullbacks as they were derived.
#[test]
fn random_convolutions() {
    let target = Target::new("convolution", 300).limit(Duration::from_secs(20));
    let make = |seed: u64| {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Input {
            seed: seed as usize,
            function: random_convolution(&mut random),
        }
    };
    target.run(make, |input| {
        let (seed, mut function) = (input.seed, input.function.clone());
        let program = gradient(&function);
        derive_pullback(&mut function, &|_| None).expect("it has one");
        let with = with_gradients(&function).expect("there are no calls");
        let mut inputs: Vec<Vec<f64>> = (0..2)
            .map(|p| {
                let extents = function.values[p].shape.extents().expect("literal");
                numbers(extents.iter().product(), seed.wrapping_add(p))
            })
            .collect();
        let s = scheduled(&program);
        let text = format!("seed {seed}\n{function}\n{program}\n{s}");
        let found = run(&program, &inputs);
        let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (p, x) in inputs.iter().enumerate() {
            memory[p + 1] = bytes(x, DType::F64);
        }
        inputs.push(vec![1.0]);
        let expected = interpreted(&with, &inputs);
        assert_eq!(found.len(), expected.len(), "{text}");
        for (found, expected) in found.iter().zip(&expected) {
            close(found, expected, 1e-9, &text);
        }
        // Compiling takes a hundred times as long as running slowly: a part of the seeds.
        #[cfg(feature = "cpu")]
        if seed % 4 == 0 {
            let mut targets = support::targets::product_targets();
            targets.extend(support::targets::small_blocks());
            // One after the other, seed by seed.
            let options = &targets[seed / 4 % targets.len()];
            support::run_compiled(&s, &mut memory, options);
            for (r, expected) in expected.iter().enumerate() {
                let found = values(&memory[1 + program.params.len() + r], DType::F64);
                close(&found, expected, 1e-9, &format!("{options:?} {text}"));
            }
        }
    });
}
