//! Contractions over several dims: a convolution's sums, and those of its derivative by the kernel,
//! with every choice of kernel, against the slow executor.

use sinew_codegen::cpu::Options;
use sinew_codegen::kernel::*;
use sinew_ir::{DType, Scalar};

use crate::setup::*;
use crate::targets::{product_targets, small_blocks};

/// The dims of a convolution, in the order of the strides below.
const DIMS: usize = 7;
const N: usize = 0;
const HO: usize = 1;
const WO: usize = 2;
const C: usize = 3;
const R: usize = 4;
const S: usize = 5;
const O: usize = 6;

/// What follows the sums.
#[derive(Clone, Copy, Debug)]
enum Epilogue {
    Plain,
    /// `relu(sum + bias)`, the bias along the output channels.
    BiasRelu,
}

#[derive(Clone, Debug)]
struct Case {
    batch: usize,
    channels: [usize; 2],
    image: [usize; 2],
    kernel: [usize; 2],
    step: usize,
    dilation: usize,
    /// Zeros around the image, which are guards.
    padding: usize,
    /// The kernel from its end.
    flipped: bool,
    /// Whether the image's elements are made positive where they are read.
    computed: bool,
    /// Whether the kernel is what comes out.
    by_kernel: bool,
    /// Whether the image is the right operand.
    turned: bool,
    epilogue: Epilogue,
    dtype: DType,
}

impl Default for Case {
    fn default() -> Case {
        Case {
            batch: 2,
            channels: [3, 5],
            image: [7, 9],
            kernel: [3, 2],
            step: 1,
            dilation: 1,
            padding: 0,
            flipped: false,
            computed: false,
            by_kernel: false,
            turned: false,
            epilogue: Epilogue::Plain,
            dtype: DType::F32,
        }
    }
}

impl Case {
    fn extents(&self) -> [usize; DIMS] {
        let [ho, wo] = [0, 1].map(|d| {
            let reach = (self.kernel[d] - 1) * self.dilation;
            (self.image[d] + 2 * self.padding - reach - 1) / self.step + 1
        });
        let ([c, o], [r, s]) = (self.channels, self.kernel);
        [self.batch, ho, wo, c, r, s, o]
    }

    /// Offset and strides of image, kernel and result over all dims.
    fn places(&self) -> [(i64, [i64; DIMS]); 3] {
        let [_, ho, wo, c, r, s, o] = self.extents().map(|e| e as i64);
        let [h, w] = self.image.map(|e| e as i64);
        let [step, dilation, padding] = [self.step, self.dilation, self.padding].map(|e| e as i64);
        let image = [c * h * w, step * w, step, h * w, dilation * w, dilation, 0];
        let mut kernel = [0, 0, 0, r * s, s, 1, c * r * s];
        let mut first = 0;
        if self.flipped {
            first = (r - 1) * s + s - 1;
            kernel[R] = -s;
            kernel[S] = -1;
        }
        let result = [o * ho * wo, wo, 1, 0, 0, 0, ho * wo];
        [(-padding * (w + 1), image), (first, kernel), (0, result)]
    }

    fn operand(&self, buffer: usize, dims: &[usize]) -> Operand {
        let (offset, strides) = self.places()[buffer];
        let over = |strides: [i64; DIMS]| dims.iter().map(|d| strides[*d]).collect::<Vec<_>>();
        let mut place = access(buffer as u32, offset, &over(strides));
        if buffer == 0 && self.padding > 0 {
            let [step, dilation, padding] =
                [self.step, self.dilation, self.padding].map(|e| e as i64);
            for (d, dim, by) in [(0, HO, R), (1, WO, S)] {
                let mut strides = [0; DIMS];
                strides[dim] = step;
                strides[by] = dilation;
                place.guards.push(Guard {
                    offset: -padding,
                    strides: over(strides),
                    extent: self.image[d] as i64,
                });
            }
        }
        if buffer != 0 || !self.computed {
            return Operand::plain(place, self.dtype);
        }
        let mut coder = Coder::default();
        let zero = coder.constant(0.0, self.dtype);
        let x = coder.load(place, self.dtype);
        let value = coder.apply(Scalar::MAXIMUM, &[x, zero], self.dtype);
        Operand {
            code: coder.code,
            value,
        }
    }

    fn build(&self) -> (Schedule, Vec<Data>, usize) {
        let extents = self.extents();
        let extents_at = |dims: &[usize]| dims.iter().map(|d| extents[*d]).collect::<Vec<_>>();
        let (other, out, [mut m, mut n, k]) = match self.by_kernel {
            false => (1, 2, [&[N, HO, WO][..], &[O], &[C, R, S]]),
            true => (2, 1, [&[C, R, S][..], &[O], &[N, HO, WO]]),
        };
        let mut sides = [0, other];
        if self.turned {
            sides.swap(0, 1);
            std::mem::swap(&mut m, &mut n);
        }
        let space = [m, n].concat();
        let mut coder = Coder::default();
        let sum = coder.inst(ScalarKind::Accumulator, self.dtype);
        let (offset, strides) = self.places()[out];
        let over: Vec<i64> = space.iter().map(|d| strides[*d]).collect();
        let value = match self.epilogue {
            Epilogue::Plain => sum,
            Epilogue::BiasRelu => {
                let along: Vec<i64> = space.iter().map(|d| i64::from(*d == O)).collect();
                let bias = coder.load(access(3, 0, &along), self.dtype);
                let y = coder.apply(Scalar::ADD, &[sum, bias], self.dtype);
                let zero = coder.constant(0.0, self.dtype);
                coder.apply(Scalar::MAXIMUM, &[y, zero], self.dtype)
            }
        };
        coder.store(access(out as u32, offset, &over), value);
        let contract = Contract {
            batch: vec![],
            m: extents_at(m),
            n: extents_at(n),
            k: extents_at(k),
            dtype: self.dtype,
            lhs: self.operand(sides[0], &[m, k].concat()),
            rhs: self.operand(sides[1], &[k, n].concat()),
            epilogue: coder.code,
        };
        let mut random = Random(42);
        let mut fill = |count: usize| {
            let values = (0..count).map(|_| f64::from(random.next() as f32));
            Data::new(self.dtype, values.collect())
        };
        let [n, ho, wo, c, r, s, o] = extents;
        let data = vec![
            fill(n * c * self.image[0] * self.image[1]),
            fill(o * c * r * s),
            fill(n * o * ho * wo),
            fill(o),
        ];
        let schedule = schedule(&data, vec![Class::Contract(contract)]);
        (schedule, data, out)
    }

    fn check(&self, targets: &[Options]) {
        let (schedule, data, out) = self.build();
        let mut expected = data.clone();
        execute(&schedule, &mut expected);
        let terms: usize = match self.by_kernel {
            false => self.extents()[C..O].iter().product(),
            true => self.extents()[..C].iter().product(),
        };
        let tolerance = match self.dtype {
            DType::F64 => 1e-12,
            DType::Float | DType::F32 | DType::I32 | DType::U32 | DType::Bool => {
                1e-6 * (terms as f64).sqrt().max(10.0)
            }
        };
        for options in targets {
            let mut found = data.clone();
            run(&schedule, options, &mut found);
            let pairs = found[out].values.iter().zip(&expected[out].values);
            for (i, (f, e)) in pairs.enumerate() {
                // Terms are of size 1 at most: an absolute bound.
                assert!(
                    (f - e).abs() <= tolerance,
                    "{self:?} {options:?} element {i}: {f:e}, not {e:e}"
                );
            }
        }
    }

    /// Both results, the image on both sides.
    fn check_all(&self, targets: &[Options]) {
        for by_kernel in [false, true] {
            for turned in [false, true] {
                Case {
                    by_kernel,
                    turned,
                    ..self.clone()
                }
                .check(targets);
            }
        }
    }
}

#[test]
fn steps_dilations_and_flips() {
    for (step, dilation, flipped) in [(1, 1, false), (2, 1, true), (1, 2, false), (3, 2, true)] {
        for dtype in [DType::F32, DType::F64] {
            Case {
                step,
                dilation,
                flipped,
                dtype,
                epilogue: Epilogue::BiasRelu,
                ..Case::default()
            }
            .check_all(&product_targets());
        }
    }
}

/// Several blocks along every dim, in memory, packed or computed, on every set of instructions.
#[test]
fn blocks_end_with_runs() {
    let targets = small_blocks();
    for (image, kernel) in [([6, 40], [1, 3]), ([9, 7], [3, 3]), ([11, 4], [5, 2])] {
        for (computed, epilogue) in [(false, Epilogue::Plain), (true, Epilogue::BiasRelu)] {
            Case {
                batch: 3,
                channels: [5, 19],
                image,
                kernel,
                computed,
                epilogue,
                dtype: DType::F64,
                ..Case::default()
            }
            .check_all(&targets);
        }
    }
}

#[test]
fn extents_of_one_and_odd_ones() {
    for (image, kernel) in [
        ([1, 1], [1, 1]),
        ([3, 1], [3, 1]),
        ([1, 17], [1, 1]),
        ([5, 21], [5, 3]),
        ([4, 37], [1, 5]),
    ] {
        for (batch, channels) in [(1, [1, 1]), (3, [1, 7]), (1, [5, 17])] {
            Case {
                batch,
                channels,
                image,
                kernel,
                ..Case::default()
            }
            .check_all(&product_targets());
        }
    }
}

/// Zeros around, and elements that are computed where they are read: over several dims at once.
#[test]
fn guards_and_prologues() {
    for (padding, computed) in [(1, false), (0, true), (2, true)] {
        for step in [1, 2] {
            Case {
                padding,
                computed,
                step,
                epilogue: Epilogue::BiasRelu,
                ..Case::default()
            }
            .check_all(&product_targets());
        }
    }
}

/// Sums in several blocks, whose ends are those of runs; in f64, where their rounding stays small.
#[test]
fn long_sums() {
    Case {
        batch: 3,
        channels: [150, 6],
        image: [9, 8],
        kernel: [3, 3],
        dtype: DType::F64,
        ..Case::default()
    }
    .check_all(&product_targets());
    Case {
        batch: 2,
        channels: [2, 3],
        image: [6, 1100],
        kernel: [2, 3],
        epilogue: Epilogue::BiasRelu,
        dtype: DType::F64,
        ..Case::default()
    }
    .check_all(&product_targets());
}
