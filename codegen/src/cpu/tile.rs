//! Register tiles of matrix products for x86-64's 256 and 512 bits, compiled ahead of time.
//!
//! A tile holds up to [`Tiles::rows`] rows of one or two vectors of columns in registers while it walks
//! the contracted dim: left elements are broadcast from wherever they lie, right elements come as
//! vectors. Which tiles cover a product, and what is packed, is decided in `product`.
//!
//! Tiles are called by compiled code, whose caller may have set the processor to take denormal numbers
//! for zeros. Rust's compiler does not know that mode. Tiles rely on it changing nothing but results
//! near 0: they load, multiply, add and store numbers that come at run time, through intrinsics, so
//! that the compiler has no constant to compute ahead in the mode that it knows, and decide nothing by
//! a float.

use super::Instructions;

/// One tile's work: `c[i, j] (+)= sum_r,p a[i, r, p] * b[r, p, j]`. Strides are in elements.
///
/// The contracted dim comes in runs, within which neighbours are equally far apart; a matrix product
/// has one, for which there are tiles that know of no others.
#[derive(Clone, Copy)]
pub(super) struct Job<'s, E> {
    /// Where each run begins, from the first elements on, in the left operand and in the right: as many.
    /// A tile of one run takes it to begin at these elements.
    pub starts: [&'s [isize]; 2],
    /// The extent of a run.
    pub k: usize,
    /// The left operand's first element.
    pub a: *const E,
    /// Between its rows.
    pub a_row: isize,
    /// Between its elements along a run.
    pub a_step: isize,
    /// The right operand's first element; its columns are neighbours.
    pub b: *const E,
    /// Between its elements along a run.
    pub b_step: isize,
    /// The result's first element; its columns are neighbours.
    pub c: *mut E,
    /// Between its rows.
    pub c_row: isize,
    /// Columns of this tile, at least one in the last vector.
    pub columns: usize,
    /// Whether what is there is added to.
    pub accumulate: bool,
}

/// A tile function for a number of rows and of vectors, of one run or of any number.
///
/// # Safety
///
/// The host has the instructions, and every element that the job names is there.
pub(super) type Tile<E> = unsafe fn(&Job<'_, E>);

/// The tiles of an instruction set.
pub(super) struct Tiles<E: 'static> {
    /// Elements of a vector.
    pub lanes: usize,
    /// Tiles of one run.
    one_run: Family<E>,
    /// Tiles of any number of runs.
    runs: Family<E>,
}

/// Tiles of one vector and of two, by rows less one.
type Family<E> = [&'static [Tile<E>]; 2];

impl<E> Tiles<E> {
    /// The most rows a tile has.
    pub(super) fn rows(&self) -> usize {
        self.one_run[0].len()
    }

    /// The tiles of so many columns and runs, by rows less one.
    pub(super) fn family(&self, columns: usize, runs: usize) -> &'static [Tile<E>] {
        let [single, double] = match runs {
            1 => self.one_run,
            _ => self.runs,
        };
        match columns > self.lanes {
            true => double,
            false => single,
        }
    }
}

/// An element type that has tiles.
pub(super) trait Element: Copy + Default + 'static {
    /// The tiles of a set of instructions, if it has any.
    fn tiles(instructions: Instructions) -> Option<&'static Tiles<Self>>;

    /// The side of the squares that `transpose` takes.
    const SQUARE: usize;

    /// `to[i * pitch + j] = from[j * stride + i]` over a square.
    ///
    /// # Safety
    ///
    /// All of these elements are there, and the host has tiles.
    unsafe fn transpose(from: *const Self, stride: isize, to: *mut Self, pitch: usize);
}

#[cfg(not(target_arch = "x86_64"))]
mod host {
    macro_rules! none {
        ($element:ty) => {
            impl super::Element for $element {
                fn tiles(_: super::Instructions) -> Option<&'static super::Tiles<$element>> {
                    None
                }

                const SQUARE: usize = 1;

                unsafe fn transpose(from: *const $element, _: isize, to: *mut $element, _: usize) {
                    // SAFETY: the caller's word.
                    unsafe { *to = *from };
                }
            }
        };
    }

    none!(f32);
    none!(f64);
}

#[cfg(target_arch = "x86_64")]
mod host {
    use super::{Element, Instructions, Job, Tile, Tiles};
    use std::arch::x86_64::*;

    impl Element for f32 {
        fn tiles(instructions: Instructions) -> Option<&'static Tiles<f32>> {
            match instructions {
                Instructions::Avx512 => Some(&WIDE_F32),
                Instructions::Avx2 => Some(&F32),
                Instructions::Baseline | Instructions::Sse42 => None,
            }
        }

        const SQUARE: usize = 8;

        unsafe fn transpose(from: *const f32, stride: isize, to: *mut f32, pitch: usize) {
            // SAFETY: the caller's word; every host with tiles has AVX.
            unsafe { transpose_8(from, stride, to, pitch) }
        }
    }

    impl Element for f64 {
        fn tiles(instructions: Instructions) -> Option<&'static Tiles<f64>> {
            match instructions {
                Instructions::Avx512 => Some(&WIDE_F64),
                Instructions::Avx2 => Some(&F64),
                Instructions::Baseline | Instructions::Sse42 => None,
            }
        }

        const SQUARE: usize = 4;

        unsafe fn transpose(from: *const f64, stride: isize, to: *mut f64, pitch: usize) {
            // SAFETY: the caller's word; every host with tiles has AVX.
            unsafe { transpose_4(from, stride, to, pitch) }
        }
    }

    /// The mask of the first lanes of a 256-bit vector of 32-bit lanes.
    #[target_feature(enable = "avx2")]
    fn first_8(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }

    /// The mask of the first lanes of a 256-bit vector of 64-bit lanes.
    #[target_feature(enable = "avx2")]
    fn first_4(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi64x(0, 1, 2, 3);
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), lanes)
    }

    /// An 8 x 8 square of f32 transposed: pairs, fours, then halves of registers change places.
    ///
    /// # Safety
    ///
    /// As [`Element::transpose`] says.
    #[target_feature(enable = "avx")]
    unsafe fn transpose_8(from: *const f32, stride: isize, to: *mut f32, pitch: usize) {
        let row = |i: usize| {
            // SAFETY: row i of the square.
            unsafe { _mm256_loadu_ps(from.wrapping_offset(i as isize * stride)) }
        };
        let mut halves = [_mm256_setzero_ps(); 8];
        for (g, four) in halves.chunks_exact_mut(4).enumerate() {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| row(4 * g + i));
            let (ab, ba) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd, dc) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            four[0] = _mm256_shuffle_ps::<0x44>(ab, cd);
            four[1] = _mm256_shuffle_ps::<0xee>(ab, cd);
            four[2] = _mm256_shuffle_ps::<0x44>(ba, dc);
            four[3] = _mm256_shuffle_ps::<0xee>(ba, dc);
        }
        for i in 0..4 {
            let low = _mm256_permute2f128_ps::<0x20>(halves[i], halves[4 + i]);
            let high = _mm256_permute2f128_ps::<0x31>(halves[i], halves[4 + i]);
            // SAFETY: rows i and 4 + i of the result.
            unsafe {
                _mm256_storeu_ps(to.wrapping_add(i * pitch), low);
                _mm256_storeu_ps(to.wrapping_add((4 + i) * pitch), high);
            }
        }
    }

    /// [`transpose_8`] for a 4 x 4 square of f64.
    ///
    /// # Safety
    ///
    /// As [`Element::transpose`] says.
    #[target_feature(enable = "avx")]
    unsafe fn transpose_4(from: *const f64, stride: isize, to: *mut f64, pitch: usize) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i: isize| {
            // SAFETY: row i of the square.
            unsafe { _mm256_loadu_pd(from.wrapping_offset(i * stride)) }
        });
        let (ab, ba) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (cd, dc) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        let rows = [
            _mm256_permute2f128_pd::<0x20>(ab, cd),
            _mm256_permute2f128_pd::<0x20>(ba, dc),
            _mm256_permute2f128_pd::<0x31>(ab, cd),
            _mm256_permute2f128_pd::<0x31>(ba, dc),
        ];
        for (i, row) in rows.into_iter().enumerate() {
            // SAFETY: row i of the result.
            unsafe { _mm256_storeu_pd(to.wrapping_add(i * pitch), row) };
        }
    }

    macro_rules! tile {
        ($name:ident, $element:ty, $features:literal, $lanes:literal, $mask:expr, $zero:ident,
         $splat:ident, $load:ident, $load_first:expr, $store:ident, $store_first:expr, $fma:ident,
         $add:ident) => {
            /// A tile of `ROWS` rows and `VECTORS` vectors, of any number of runs or of one: without
            /// their starts all that the loop needs stays in registers.
            ///
            /// # Safety
            ///
            /// As [`Tile`] says.
            #[target_feature(enable = $features)]
            unsafe fn $name<const ROWS: usize, const VECTORS: usize, const RUNS: bool>(
                job: &Job<'_, $element>,
            ) {
                let mask = $mask(job.columns - (VECTORS - 1) * $lanes);
                let mut sums = [[$zero(); VECTORS]; ROWS];
                let starts: [&[isize]; 2] = if RUNS { job.starts } else { [&[0], &[0]] };
                for (start_a, start_b) in starts[0].iter().zip(starts[1]) {
                    let mut b = job.b.wrapping_offset(*start_b);
                    // One pointer for three rows: x86 reaches the next two by the stride and its
                    // double.
                    let mut a = [job.a.wrapping_offset(*start_a); 5];
                    for (group, a) in a.iter_mut().enumerate() {
                        *a = a.wrapping_offset(3 * group as isize * job.a_row);
                    }
                    for _ in 0..job.k {
                        let mut right = [$zero(); VECTORS];
                        for (v, right) in right.iter_mut().enumerate() {
                            let from = b.wrapping_add(v * $lanes);
                            // SAFETY: the job's columns are there; the last vector reads its own
                            // only.
                            *right = unsafe {
                                if v + 1 < VECTORS {
                                    $load(from)
                                } else {
                                    $load_first(from, mask)
                                }
                            };
                        }
                        for (i, sums) in sums.iter_mut().enumerate() {
                            let from = a[i / 3].wrapping_offset((i % 3) as isize * job.a_row);
                            // SAFETY: row i of the job.
                            let left = $splat(unsafe { *from });
                            for (sum, right) in sums.iter_mut().zip(right) {
                                *sum = $fma(left, right, *sum);
                            }
                        }
                        for a in &mut a {
                            *a = a.wrapping_offset(job.a_step);
                        }
                        b = b.wrapping_offset(job.b_step);
                    }
                }
                for (i, sums) in sums.iter().enumerate() {
                    for (v, sum) in sums.iter().enumerate() {
                        let to = job
                            .c
                            .wrapping_offset(i as isize * job.c_row)
                            .wrapping_add(v * $lanes);
                        // SAFETY: the job's rows and columns are there.
                        unsafe {
                            if v + 1 < VECTORS {
                                let sum = if job.accumulate {
                                    $add(*sum, $load(to))
                                } else {
                                    *sum
                                };
                                $store(to, sum);
                            } else {
                                let sum = if job.accumulate {
                                    $add(*sum, $load_first(to.cast_const(), mask))
                                } else {
                                    *sum
                                };
                                $store_first(to, mask, sum);
                            }
                        }
                    }
                }
            }
        };
    }

    tile!(
        wide_f32,
        f32,
        "avx512f",
        16,
        |count: usize| (0xffff_u32 >> (16 - count)) as __mmask16,
        _mm512_setzero_ps,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        |from, mask| _mm512_maskz_loadu_ps(mask, from),
        _mm512_storeu_ps,
        _mm512_mask_storeu_ps,
        _mm512_fmadd_ps,
        _mm512_add_ps
    );
    tile!(
        wide_f64,
        f64,
        "avx512f",
        8,
        |count: usize| (0xff_u32 >> (8 - count)) as __mmask8,
        _mm512_setzero_pd,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        |from, mask| _mm512_maskz_loadu_pd(mask, from),
        _mm512_storeu_pd,
        _mm512_mask_storeu_pd,
        _mm512_fmadd_pd,
        _mm512_add_pd
    );
    tile!(
        tile_f32,
        f32,
        "avx2,fma",
        8,
        first_8,
        _mm256_setzero_ps,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_maskload_ps,
        _mm256_storeu_ps,
        _mm256_maskstore_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps
    );
    tile!(
        tile_f64,
        f64,
        "avx2,fma",
        4,
        first_4,
        _mm256_setzero_pd,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_maskload_pd,
        _mm256_storeu_pd,
        _mm256_maskstore_pd,
        _mm256_fmadd_pd,
        _mm256_add_pd
    );

    macro_rules! tiles {
        ($name:ident, $element:ty, $tile:ident, $lanes:literal, $($rows:literal)*) => {
            static $name: Tiles<$element> = Tiles {
                lanes: $lanes,
                one_run: [
                    &[$($tile::<$rows, 1, false> as Tile<$element>),*],
                    &[$($tile::<$rows, 2, false> as Tile<$element>),*],
                ],
                runs: [
                    &[$($tile::<$rows, 1, true> as Tile<$element>),*],
                    &[$($tile::<$rows, 2, true> as Tile<$element>),*],
                ],
            };
        };
    }

    tiles!(WIDE_F32, f32, wide_f32, 16, 1 2 3 4 5 6 7 8 9 10 11 12);
    tiles!(WIDE_F64, f64, wide_f64, 8, 1 2 3 4 5 6 7 8 9 10 11 12);
    tiles!(F32, f32, tile_f32, 8, 1 2 3 4 5 6);
    tiles!(F64, f64, tile_f64, 4, 1 2 3 4 5 6);
}
