//! Register tiles of matrix products for x86-64's 256 and 512 bits, compiled ahead of time.
//!
//! A tile holds up to [`Tiles::rows`] rows of one or two vectors of columns in registers while it walks
//! the contracted dim: left elements are broadcast from wherever they lie, right elements come as
//! vectors. Which tiles cover a product, and what is packed, is decided in `product`.

/// One tile's work: `c[i, j] (+)= sum_p a[i, p] * b[p, j]`. Strides are in elements.
#[derive(Clone, Copy)]
pub(super) struct Job<E> {
    /// The contracted extent.
    pub k: usize,
    /// The left operand's first element.
    pub a: *const E,
    /// Between its rows.
    pub a_row: isize,
    /// Between its elements along the contracted dim.
    pub a_step: isize,
    /// The right operand's first element; its columns are neighbours.
    pub b: *const E,
    /// Between its elements along the contracted dim.
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

/// A tile function for a number of rows and of vectors.
///
/// # Safety
///
/// The host has the instructions, and every element that the job names is there.
pub(super) type Tile<E> = unsafe fn(&Job<E>);

/// The tiles of an instruction set.
pub(super) struct Tiles<E: 'static> {
    /// Elements of a vector.
    pub lanes: usize,
    /// Tiles of one vector, by rows less one.
    pub single: &'static [Tile<E>],
    /// Tiles of two vectors.
    pub double: &'static [Tile<E>],
}

impl<E> Tiles<E> {
    /// The most rows a tile has.
    pub(super) fn rows(&self) -> usize {
        self.double.len()
    }
}

/// An element type that has tiles.
pub(super) trait Element: Copy + Default + 'static {
    /// The tiles for this host's widest vectors, if it has any.
    fn tiles() -> Option<&'static Tiles<Self>>;
}

#[cfg(not(target_arch = "x86_64"))]
mod host {
    impl super::Element for f32 {
        fn tiles() -> Option<&'static super::Tiles<f32>> {
            None
        }
    }

    impl super::Element for f64 {
        fn tiles() -> Option<&'static super::Tiles<f64>> {
            None
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod host {
    use super::{Element, Job, Tile, Tiles};
    use std::arch::x86_64::*;

    impl Element for f32 {
        fn tiles() -> Option<&'static Tiles<f32>> {
            if is_x86_feature_detected!("avx512f") {
                Some(&WIDE_F32)
            } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                Some(&F32)
            } else {
                None
            }
        }
    }

    impl Element for f64 {
        fn tiles() -> Option<&'static Tiles<f64>> {
            if is_x86_feature_detected!("avx512f") {
                Some(&WIDE_F64)
            } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                Some(&F64)
            } else {
                None
            }
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

    macro_rules! tile {
        ($name:ident, $element:ty, $features:literal, $lanes:literal, $mask:expr, $zero:ident,
         $splat:ident, $load:ident, $load_first:expr, $store:ident, $store_first:expr, $fma:ident,
         $add:ident) => {
            /// A tile of `ROWS` rows and `VECTORS` vectors.
            ///
            /// # Safety
            ///
            /// As [`Tile`] says.
            #[target_feature(enable = $features)]
            unsafe fn $name<const ROWS: usize, const VECTORS: usize>(job: &Job<$element>) {
                let mask = $mask(job.columns - (VECTORS - 1) * $lanes);
                let mut sums = [[$zero(); VECTORS]; ROWS];
                let mut b = job.b;
                // One pointer for three rows: x86 reaches the next two by the stride and its double.
                let mut a = [job.a; 5];
                for (group, a) in a.iter_mut().enumerate() {
                    *a = a.wrapping_offset(3 * group as isize * job.a_row);
                }
                for _ in 0..job.k {
                    let mut right = [$zero(); VECTORS];
                    for (v, right) in right.iter_mut().enumerate() {
                        let from = b.wrapping_add(v * $lanes);
                        // SAFETY: the job's columns are there; the last vector reads its own only.
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
                single: &[$($tile::<$rows, 1> as Tile<$element>),*],
                double: &[$($tile::<$rows, 2> as Tile<$element>),*],
            };
        };
    }

    tiles!(WIDE_F32, f32, wide_f32, 16, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    tiles!(WIDE_F64, f64, wide_f64, 8, 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    tiles!(F32, f32, tile_f32, 8, 1 2 3 4 5 6);
    tiles!(F64, f64, tile_f64, 4, 1 2 3 4 5 6);
}
